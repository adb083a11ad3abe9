/**
 * Write a .br and a .gz beside every text file of the built page, so that the server sends the
 * small form without compressing anything while it serves.
 *
 *   node scripts/compress.mjs FOLDER
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const TEXT = /\.(js|css|html|svg|json|txt)$/;
const WORTH_IT = 1024; // bytes; below this the headers cost more than the saving

const folder = process.argv[2];
if (!folder) {
  console.error("compress.mjs: name the folder of the built page, e.g. ../src/ppolab/_web");
  process.exit(1);
}

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !TEXT.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const bytes = readFileSync(path);
  if (bytes.length < WORTH_IT) continue;
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(
    `${path}.br`,
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  );
}
