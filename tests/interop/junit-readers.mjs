// Reads a junit.xml by two parsers of npm. Prints for each how many cases it found and how many of them failed.
//
// Each case must have a class name, a name, a time and, where the parser reads it, a file.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

// `import` does not search NODE_PATH.
const require = createRequire(path.join(process.env.NODE_PATH, 'x.js'));
const { parse } = await import(require.resolve('junit2json'));
const { parse: parseResults } = require('test-results-parser');

const file = process.argv[2];

function check(name, cases) {
  const seen = new Set();
  for (const one of cases) {
    const key = JSON.stringify([one.classname, one.name]);
    if (seen.has(key)) throw new Error(`${name}: ${key} occurs twice`);
    seen.add(key);
    if (!Number.isFinite(one.time)) throw new Error(`${name}: ${key} has the time ${one.time}`);
  }
  const failed = cases.filter((one) => one.failed).length;
  console.log(`${name} ${cases.length} cases, ${failed} failed`);
}

const suites = (await parse(readFileSync(file, 'utf8'))).testsuite;
for (const suite of suites) {
  if (!Number.isFinite(suite.time)) throw new Error(`junit2json: ${suite.name} has the time ${suite.time}`);
}
check('junit2json', suites.flatMap((suite) => suite.testcase.map((one) => ({
  classname: one.classname,
  name: one.name,
  time: one.time,
  failed: Boolean(one.failure ?? one.error),
}))));

const result = parseResults({ type: 'junit', files: [file] });
if (!Number.isFinite(result.duration)) throw new Error(`test-results-parser: the duration is ${result.duration}`);
check('test-results-parser', result.suites.flatMap((suite) => suite.cases.map((one) => ({
  classname: suite.name + (one.metadata?.classname ?? one.id ?? ''),
  name: one.name,
  time: one.duration,
  failed: one.status === 'FAIL' || one.status === 'ERROR',
}))));
