// Documents as text: `.json` is {"collection": "items", "documents": [...]} or a list of such; `.ndjson` has
// one {"collection": "items", "document": {...}} on each line (or `documents`). Extended JSON keeps every type.

import { readFile } from "node:fs/promises";
import { BSON } from "mongodb";
import { Failure, oneLine } from "./failure.mjs";

const BATCH = 1000;

export async function prepareDocuments(path, { ledger }) {
  const text = await read(path);
  const found = parse(text);
  const entries = (Array.isArray(found) ? found : [found]).map((entry) => checked(entry, ledger));
  return insertAll(entries.map((entry) => ({ ...entry, lines: undefined })));
}

export async function prepareLines(path, { ledger }) {
  const groups = [];
  for (const [index, text] of (await read(path)).split("\n").entries()) {
    if (!text.trim()) continue;
    const line = index + 1;
    const { collection, documents } = checked(parse(text, line), ledger, line);
    if (groups.at(-1)?.collection !== collection) groups.push({ collection, documents: [], lines: [] });
    for (const document of documents) {
      groups.at(-1).documents.push(document);
      groups.at(-1).lines.push(line);
    }
  }
  return insertAll(groups);
}

// Insert in order, and say where it stopped: `where` puts the index of a document into words or a line.
export async function insert(collection, documents, where) {
  for (let start = 0; start < documents.length; start += BATCH) {
    try {
      await collection.insertMany(documents.slice(start, start + BATCH), { ordered: true });
    } catch (error) {
      const index = error?.writeErrors?.[0]?.index;
      if (index === undefined) throw error;
      throw where(start + index, error);
    }
  }
}

function insertAll(groups) {
  return async (db) => {
    for (const { collection, documents, lines } of groups) {
      await insert(db.collection(collection), documents, (index, error) =>
        lines
          ? new Failure(oneLine(error), lines[index])
          : new Failure(`document ${index + 1} for ${collection}: ${oneLine(error)}`),
      );
    }
  };
}

async function read(path) {
  return (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
}

function parse(text, onlyLine) {
  try {
    return BSON.EJSON.parse(text, { relaxed: false });
  } catch (error) {
    throw new Failure(oneLine(error), onlyLine ?? lineOf(error.message, text));
  }
}

// JSON.parse tells the position, or that the text ended too soon.
function lineOf(message, text) {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined && !/end of JSON input/.test(message)) return undefined;
  const before = position === undefined ? text.trimEnd() : text.slice(0, Number(position));
  return before.split("\n").length;
}

function checked(entry, ledger, line) {
  const one = entry?.document === undefined ? undefined : [entry.document];
  const documents = entry?.documents ?? one;
  if (typeof entry?.collection !== "string" || !entry.collection || !Array.isArray(documents)) {
    const expected = '{"collection": "items", "documents": [{...}]}, or "document" for one';
    throw new Failure(`expected ${expected}`, line);
  }
  if (
    documents.some(
      (each) => each === null || typeof each !== "object" || Array.isArray(each) || each._bsontype,
    )
  ) {
    throw new Failure(`not all documents for ${entry.collection} are objects`, line);
  }
  if (entry.collection === ledger)
    throw new Failure(`${ledger} tells what ran; leave that collection alone`, line);
  return { collection: entry.collection, documents };
}
