// JavaScript migrations: modules of either kind that export `up(db, client)`.
//
// What kind a `.js` file is shows when it is compiled. node tells the two apart by the end of the name, so
// the file is copied to where it may be renamed; it finds the driver in /node_modules from there.

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { compileFunction } from "node:vm";
import { Failure } from "./failure.mjs";

const CHECK_MS = 30_000;
const AROUND = ["exports", "require", "module", "__filename", "__dirname"];
const ONLY_IN_ES_MODULES =
  /Cannot use import statement outside a module|Unexpected token 'export'|'import\.meta'/;

export async function prepareModule(path) {
  const source = (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
  const file = basename(path);
  const kind = file.endsWith(".js") ? kindOf(source, file) : file.slice(file.lastIndexOf(".") + 1);
  const copy = join(await mkdtemp(join(tmpdir(), "script-")), `${file.slice(0, 6)}.${kind}`);
  await writeFile(copy, source);
  if (kind === "mjs") check(copy);
  else compile(source, file);
  return async (db, client) => {
    const module = await import(pathToFileURL(copy).href);
    const up = module.up ?? module.default?.up;
    if (typeof up !== "function") {
      throw new Failure(
        "it exports no function up(db); write `module.exports = { up }` or `export async function up(db)`",
      );
    }
    await up(db, client);
  };
}

// The line of the script, by its number, from where an error was thrown.
export function lineIn(error, number) {
  if (error instanceof Failure) return error.line;
  const found = new RegExp(`\\b${number}\\.[cm]?js:(\\d+)`).exec(String(error?.stack ?? ""));
  return found ? Number(found[1]) : undefined;
}

function kindOf(source, file) {
  try {
    compile(source, file);
  } catch (error) {
    if (ONLY_IN_ES_MODULES.test(error.message)) return "mjs";
    throw error;
  }
  return "cjs";
}

function compile(source, file) {
  compileFunction(source.replace(/^#!.*/, ""), AROUND, { filename: file });
}

// An ES module is not compiled without running it in this process; another node only checks it.
function check(copy) {
  const checked = spawnSync(process.execPath, ["--check", copy], {
    encoding: "utf8",
    timeout: CHECK_MS,
    env: {},
  });
  if (checked.status === 0) return;
  const said = String(checked.stderr);
  const line = /\d{6}\.mjs:(\d+)/.exec(said)?.[1];
  throw new Failure(
    /^\w*Error: .*$/m.exec(said)?.[0] ?? "it cannot be read as a module",
    line && Number(line),
  );
}
