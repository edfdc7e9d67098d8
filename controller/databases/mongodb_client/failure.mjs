// What a script did wrong, in words for its author.

const MESSAGE_MAX = 2000;

export class Failure extends Error {
  // `line` is that of the script's own file, where it is known.
  constructor(message, line) {
    super(message);
    this.line = line;
  }
}

// What was thrown, which may be anything, in one line.
export function oneLine(error) {
  let text;
  try {
    text = error instanceof Error && error.message ? error.message : String(error);
  } catch {
    text = "something was thrown that cannot be shown";
  }
  return text.replace(/\s+/g, " ").trim().slice(0, MESSAGE_MAX) || "it failed without a message";
}
