// Archives of `mongodump --archive`, gzipped or not, restored into the preview's own database.
//
//     magic ── header, one document for each collection ── blocks: {db, collection}, documents, end mark
//
// mongorestore is in no package of Debian's, and building it needs a newer Go than Debian's; the format is
// small. Restored are the collections of one database, whatever that was called: options, documents, indexes
// and views. Types are kept; only fields whose names are whole numbers move to the front, as in all of
// JavaScript.

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { BSON } from "mongodb";
import { insert } from "./documents.mjs";
import { Failure, oneLine } from "./failure.mjs";

const MAGIC = 0x8199e26d;
const END = 0xffffffff;
const DOCUMENT_MAX = 17 * 1024 * 1024; // 16 MiB, and a little for what servers add
const BATCH_BYTES = 8 * 1024 * 1024;
const AS_IT_IS = { promoteValues: false, promoteBuffers: false, promoteLongs: false, bsonRegExp: true };
const DUMP_ONE = "dump one with `mongodump --db=NAME --archive`";

export async function prepareArchive(path, { ledger, say }) {
  const reader = new Reader(await bytes(path));
  if ((await reader.number()) !== MAGIC) {
    throw new Failure("this is no archive of mongodump; make one with `mongodump --db=NAME --archive=FILE`");
  }
  const collections = await prelude(reader);
  refuse(collections);
  return (db) => restore(reader, collections, { db, ledger, say });
}

async function prelude(reader) {
  const documents = [];
  for await (const document of reader.block()) documents.push(BSON.deserialize(document));
  return documents.slice(1).map(({ db, collection, metadata, type }) => {
    const { options = {}, indexes = [] } = metadata ? BSON.EJSON.parse(metadata, { relaxed: false }) : {};
    return { db, collection, type, options, indexes };
  });
}

function refuse(collections) {
  const databases = [...new Set(collections.map(({ db }) => db))];
  const names = collections.map(({ collection }) => collection);
  if (names.some((name) => name.startsWith("$admin."))) {
    throw new Failure("the archive holds users and roles; dump without --dumpDbUsersAndRoles");
  }
  if (databases.includes("")) throw new Failure("the archive holds an oplog; dump without --oplog");
  if (databases.length > 1) {
    throw new Failure(
      `the archive holds ${databases.length} databases (${databases.join(", ")}); ${DUMP_ONE}`,
    );
  }
  const other = collections.find(
    ({ type, collection }) => type === "timeseries" || collection.startsWith("system."),
  );
  if (other) {
    const what = other.type === "timeseries" ? "time series" : "system collections";
    throw new Failure(
      `${other.collection}: ${what} are not restored; dump with --excludeCollection=${other.collection}`,
    );
  }
}

async function restore(reader, collections, { db, ledger, say }) {
  const kept = collections.filter(({ collection }) => collection !== ledger);
  if (kept.length < collections.length) {
    say(`${ledger} is left out: the archive's own migrations are none of this database`);
  }
  const views = kept.filter(({ options }) => options.viewOn !== undefined);
  const tables = kept.filter(({ options }) => options.viewOn === undefined);
  const there = new Set((await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name));
  for (const { collection, options } of tables) {
    if (!there.has(collection)) await told(collection, db.command({ create: collection, ...options }));
  }
  await restoreDocuments(reader, db, ledger, new Set(tables.map(({ collection }) => collection)));
  for (const { collection, indexes } of tables) {
    const more = indexes.filter(({ name }) => name !== "_id_").map(({ ns, ...index }) => index);
    if (more.length) await told(collection, db.command({ createIndexes: collection, indexes: more }));
  }
  for (const { collection, options } of views) {
    await told(collection, db.command({ create: collection, ...options }));
  }
}

async function told(collection, command) {
  try {
    await command;
  } catch (error) {
    throw new Failure(`${collection}: ${oneLine(error)}`);
  }
}

async function restoreDocuments(reader, db, ledger, unfinished) {
  const known = new Set([...unfinished, ledger]);
  while (!(await reader.ended())) {
    let header;
    let batch = [];
    let size = 0;
    let count = 0;
    const flush = async () => {
      const first = count - batch.length;
      const where = (index, error) =>
        new Failure(`${header.collection}, document ${first + index + 1}: ${oneLine(error)}`);
      if (header.collection !== ledger) await insert(db.collection(header.collection), batch, where);
      [batch, size] = [[], 0];
    };
    for await (const document of reader.block()) {
      if (header === undefined) {
        header = BSON.deserialize(document);
        if (!known.has(header.collection)) throw damaged();
        continue;
      }
      batch.push(BSON.deserialize(document, AS_IT_IS));
      size += document.length;
      count += 1;
      if (size > BATCH_BYTES) await flush();
    }
    if (header === undefined) throw damaged();
    await flush();
    if (header.EOF) unfinished.delete(header.collection);
  }
  if (unfinished.size) {
    throw new Failure(`the archive ends before ${[...unfinished].join(", ")} is complete; dump it again`);
  }
}

async function bytes(path) {
  const file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  await file.close();
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
  return buffer.readUInt16BE() === 0x1f8b
    ? pipeline(stream, createGunzip({ chunkSize: 1024 * 1024 }), () => {})
    : stream;
}

function damaged() {
  return new Failure("the archive is damaged, or cut off; dump it again");
}

// Reads numbers, documents and blocks of documents from a stream.
class Reader {
  #chunks;
  #buffer = Buffer.alloc(0);

  constructor(stream) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async ended() {
    return !(await this.#fill(1));
  }

  async number() {
    return (await this.#take(4)).readUInt32LE();
  }

  // The documents up to the next end mark.
  async *block() {
    for (let size = await this.number(); size !== END; size = await this.number()) {
      if (size < 5 || size > DOCUMENT_MAX) throw damaged();
      const document = Buffer.alloc(size);
      document.writeUInt32LE(size);
      (await this.#take(size - 4)).copy(document, 4);
      yield document;
    }
  }

  async #take(count) {
    if (!(await this.#fill(count))) throw damaged();
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  async #fill(count) {
    const parts = [this.#buffer];
    let length = this.#buffer.length;
    while (length < count) {
      const { done, value } = await this.#next();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
    if (parts.length > 1) this.#buffer = Buffer.concat(parts);
    return length >= count;
  }

  async #next() {
    try {
      return await this.#chunks.next();
    } catch (error) {
      throw new Failure(`the archive cannot be unpacked: ${oneLine(error)}`);
    }
  }
}
