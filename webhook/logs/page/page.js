// Lines as text, never as markup, and the log followed from where the page ends. Colours are made here alone;
// what else a terminal would obey is dropped, by the rules of plain.py.
const $ = (id) => document.getElementById(id);
const list = $("lines"), form = $("filter"), older = $("older"), pause = $("pause"), id = list.dataset.id;
const MOST = 5000, MARKS = [, "bold", "dim", "italic", "under", , , "inverse"], root = document.documentElement;
const TOKENS = /(\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])|\x1b[ -/]*[0-~]?|[\0-\x08\v\f\x0e-\x1f\x7f-\x9f])|\r|\n|[^\0-\x08\n-\x1f\x7f-\x9f]+/g;
const say = (text) => { $("said").textContent = text; };
const made = (name, className, ...parts) => {
  const element = document.createElement(name);
  element.className = className;
  element.append(...parts);
  return element;
};

// One of 256 colours, or [red, green, blue].
function css(colour) {
  if (colour.map) return `rgb(${colour})`;
  if (colour < 16) return `var(--c${colour})`;
  if (colour > 231) return css([0, 0, 0].fill(colour * 10 - 2312));
  return css([36, 6, 1].map((n) => Math.floor((colour - 16) / n) % 6).map((n) => n && n * 40 + 55));
}

// ECMA-48, 8.3.117
function sgr(old, parameters) {
  let style = { ...old };
  const codes = parameters.replace(/([34]8:2):\d*(?=(:\d+){3})/g, "$1").split(/[;:]/).map(Number);
  while (codes.length) {
    const code = codes.shift(), tens = Math.floor(code / 10), unit = code % 10;
    if (!code) style = {};
    else if (tens === 0 || tens === 2) {
      style[MARKS[unit]] = !tens;
      if (code === 22) style.bold = false;
    }
    else if ([3, 4, 9, 10].includes(tens)) {
      let colour = unit < 8 ? unit + (tens > 4) * 8 : null;
      if (unit === 8 && tens < 5) colour = codes.shift() === 5 ? codes.shift() : codes.splice(0, 3);
      style[tens % 6 === 3 ? "fore" : "back"] = colour;
    }
  }
  return style;
}

function styled({ fore, back, inverse, ...marks }, text) {
  const span = made("span", "", text);
  if (inverse) [fore, back] = [back, fore];
  for (const [name, colour] of Object.entries({ fore, back })) {
    if (colour == null) continue;
    span.classList.add(name, colour < 16 ? "named" : "exact");
    span.style.setProperty(`--${name}`, css(colour));
  }
  if (inverse && !span.className) span.className = "inverse";
  for (const name in marks) span.classList.toggle(name, marks[name]);
  return span;
}

function show(target, text) {
  let pieces = [], begin = 0, again = false, style = {};
  for (const [token, sequence, parameters, final] of text.matchAll(TOKENS)) {
    if (final === "m" && !/[<-?]/.test(parameters)) style = sgr(style, parameters);
    if (token === "\n") begin = pieces.push(token);
    else if (!sequence && token !== "\r") {
      if (again) pieces.length = begin;
      pieces.push(styled(style, token));
    }
    if (!sequence) again = token === "\r";
  }
  target.replaceChildren(...pieces);
}

function row(line) {
  const message = made("span", "m"), time = made("time", "", line.createdAt.slice(5, 23).replace("T", " "));
  const about = made("span", "of", `${line.type} ${line.service ?? ""}`);
  show(message, line.message);
  time.title = line.createdAt;
  const item = made("li", line.stream || "", time, " ", about, " ", message);
  item.dataset.s = line.sequence;
  return item;
}

const atEnd = () => innerHeight + scrollY > root.scrollHeight - 60;
const toEnd = () => scrollTo(0, root.scrollHeight);
const paused = () => pause.ariaPressed === "true";
const query = (more = {}) => new URLSearchParams([...new FormData(form), ...Object.entries(more)]);
let last = +list.dataset.last, waiting = [], round = 0, delay, drawing, typing, socket;

function settle() {
  $("none").hidden = list.childElementCount;
  $("download").href = `${id}/download?${query()}`;
}

function draw() {
  drawing = 0;
  if (paused()) return;
  const end = atEnd();
  list.append(...waiting.splice(0));
  while (list.childElementCount > MOST) {
    list.firstElementChild.remove();
    older.hidden = false;
  }
  settle();
  if (end) toEnd();
}

function take(item) {
  waiting.push(item);
  if (waiting.length > MOST) waiting.shift();
  if (paused()) say(`Paused; ${waiting.length} new lines`);
  drawing ||= setTimeout(draw, 50);
}

function state({ status, urls }) {
  $("state").textContent = status;
  $("state").className = `state ${status}`;
  $("urls").replaceChildren(...Object.values(urls).filter((url) => /^https?:/.test(url)).map((url) => {
    return Object.assign(made("a", "", url), { href: url });
  }));
}

function heard({ type, data, count, message }) {
  if (type === "status") state(data);
  if (type === "error") say(message);
  if (type === "missed") take(made("li", "note", `${count} lines are left out here; the download has them.`));
  if (type !== "log" || data.sequence <= last) return;
  last = data.sequence;
  const { service, q } = form.elements;
  if (data.service && ![...service.options].some(({ value }) => value === data.service)) service.add(new Option(data.service));
  if (data.message.toLowerCase().includes(q.value.toLowerCase())) take(row(data));
}

function failed(status) {
  const over = status === 403;
  say(over ? "This link has expired; the comment has a new one." : "No connection; trying again …");
  return over;
}

async function ask(path, more, method) {
  const response = await fetch(`${id}/${path}?${query(more)}`, { method });
  if (!response.ok) throw response.status;
  return response.json();
}

function connected(ticket, mine) {
  const to = new URL(`../api/previews/${id}/logs/stream`, location), asked = query({ after: last });
  asked.delete("pass");
  asked.delete("q");
  to.protocol = to.protocol.replace("http", "ws");
  to.search = asked;
  return new Promise((closed) => {
    socket = new WebSocket(to, ["previewcloud.logs", `ticket.${ticket}`]);
    socket.onopen = () => say((delay = 250) && paused() ? "Paused" : "");
    socket.onmessage = ({ data }) => mine === round && heard(JSON.parse(data));
    socket.onclose = ({ code }) => closed(code);
  });
}

async function follow() {
  const mine = ++round;
  socket?.close();
  for (delay = 500; mine === round; delay = Math.min(delay * 2, 15000)) {
    try {
      const { data } = await ask("ticket", {}, "POST"), code = mine === round && await connected(data.ticket, mine);
      if (mine !== round) return;
      if (code === 1000) {
        state({ status: "gone", urls: {} });
        return say("The preview is gone; its log ends here.");
      }
      failed();
    } catch (status) {
      if (failed(status)) return;
    }
    await new Promise((done) => setTimeout(done, delay));
  }
}

async function anew() {
  const mine = ++round;
  clearTimeout(typing);
  history.replaceState(null, "", `?${query()}`);
  try {
    const found = await ask("lines");
    if (mine !== round) return;
    waiting = [];
    last = found.last;
    older.hidden = !found.more;
    list.replaceChildren(...found.data.map(row));
    settle();
    toEnd();
  } catch (status) { failed(status); }
  if (mine === round) follow();
}

older.onclick = async (event) => {
  event.preventDefault();
  const room = MOST - list.childElementCount, height = root.scrollHeight;
  if (!room) return say("No more lines fit here; the download has all.");
  try {
    const found = await ask("lines", { before: list.querySelector("[data-s]")?.dataset.s ?? "" });
    older.hidden = !found.more;
    list.prepend(...found.data.slice(-room).map(row));
    settle();
    scrollBy(0, root.scrollHeight - height);
  } catch (status) { failed(status); }
};

$("wrap").onclick = () => { $("wrap").ariaPressed = list.classList.toggle("wrapped"); };
pause.onclick = () => {
  pause.ariaPressed = !paused();
  say(paused() ? "Paused" : "");
  draw();
};
form.onsubmit = (event) => { event.preventDefault(); anew(); };
form.onchange = anew;
form.oninput = () => { clearTimeout(typing); typing = setTimeout(anew, 300); };
$("end").onclick = toEnd;
onscroll = () => { $("end").hidden = atEnd(); };
for (const each of list.querySelectorAll("[data-raw]")) show(each, each.dataset.raw);
if (list.dataset.live) { toEnd(); follow(); }
