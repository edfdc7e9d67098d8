// Runs the scripts of one job in their order, with the preview's login, and stops at the first that fails.
//
//     /job/job.json ── check ── ledger line "running" ── run ── ledger line "done" ── next
//
// Lines for the operator: "previewcloud-script <number>" as one begins, and where it failed
// "mongodb:<number>:<line>: ERROR: <message>" (line 0: not known). Ends with 0 (all ran), 2 (the server is
// lost, or refuses the login) or 3 (a script failed). A script that cannot even be read fails before its
// ledger line, and so leaves the database clean.

import { readFile } from "node:fs/promises";
import { MongoClient } from "mongodb";
import { prepareArchive } from "./archive.mjs";
import { prepareDocuments, prepareLines } from "./documents.mjs";
import { Failure, oneLine } from "./failure.mjs";
import { lineIn, prepareModule } from "./module.mjs";

const LEDGER = "previewcloud_migrations";
const LOST = 2;
const FAILED = 3;
const PREPARE = {
  js: prepareModule,
  mjs: prepareModule,
  cjs: prepareModule,
  json: prepareDocuments,
  ndjson: prepareLines,
  archive: prepareArchive,
  gz: prepareArchive,
};

Error.stackTraceLimit = 100; // the author's frame lies below those of the driver

let current = "000000";

function client() {
  const { MONGODB_HOST, MONGODB_PORT, MONGODB_USER, MONGODB_PASSWORD, MONGODB_DATABASE, MONGODB_OPTIONS } =
    process.env;
  const options = MONGODB_OPTIONS ? `?${MONGODB_OPTIONS}` : "";
  return new MongoClient(`mongodb://${MONGODB_HOST}:${MONGODB_PORT}/${options}`, {
    appName: "previewcloud-migrate",
    auth: { username: MONGODB_USER, password: MONGODB_PASSWORD },
    authSource: MONGODB_DATABASE,
    serverSelectionTimeoutMS: 10_000,
    connectTimeoutMS: 10_000,
    maxPoolSize: 10,
  });
}

function report(error) {
  console.log(`mongodb:${current}:${lineIn(error, current) ?? 0}: ERROR: ${oneLine(error)}`);
}

async function run(script, connection, db) {
  const extension = script.file.slice(script.file.lastIndexOf(".") + 1);
  const work = await PREPARE[extension](`/job/${script.file}`, { ledger: LEDGER, say: console.log });
  const ledger = db.collection(LEDGER);
  const { kind, name, checksum } = script;
  const line = {
    _id: `${kind}/${name}`,
    kind,
    name,
    checksum,
    state: "running",
    applied_at: new Date(),
    duration_ms: 0,
  };
  await ledger.insertOne(line);
  const begun = process.hrtime.bigint();
  await work(db, connection);
  const duration = Number((process.hrtime.bigint() - begun) / 1_000_000n);
  const done = { state: "done", applied_at: new Date(), duration_ms: duration };
  const updated = await ledger.updateOne({ _id: line._id }, { $set: done });
  if (updated.matchedCount !== 1) {
    await ledger.insertOne(line); // what ran before is not known any more: leave it dirty
    throw new Failure(
      `it removed its line from ${LEDGER}, which tells what ran; leave that collection alone`,
    );
  }
}

async function answers(db) {
  try {
    await db.command({ ping: 1 });
    return true;
  } catch (error) {
    console.log(`mongodb: ${oneLine(error)}`);
    return false;
  }
}

async function runAll(connection) {
  const db = connection.db(process.env.MONGODB_DATABASE);
  if (!(await answers(db))) return LOST;
  for (const script of JSON.parse(await readFile("/job/job.json", "utf8"))) {
    current = script.file.slice(0, 6);
    console.log(`previewcloud-script ${current}`);
    try {
      await run(script, connection, db);
    } catch (error) {
      report(error);
      return (await answers(db)) ? FAILED : LOST;
    }
  }
  return 0;
}

for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error) => {
    report(error);
    process.exit(FAILED);
  });
}
process.exit(await runAll(client()));
