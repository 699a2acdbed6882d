/**
 * No stage of the journey lies under 90 % of lines: reads what c8 measured and adds it up by folder of packages/*\/src.
 * A total over everything would hide an untested retry behind a well tested parser.
 */
import { relative } from 'node:path';
import { conclude, exists, files, isTest, read, root } from './sources.mjs';

const MINIMUM = 90;
const SUMMARY = 'coverage/coverage-summary.json';
const enforced = !process.argv.includes('--print');

/** A file of types only compiles to `export {}`, an index only re-exports: there is nothing to cover. */
function hasCode(file) {
  if (/\/src\/(index|internal)\.ts$/.test(file)) return false;
  const output = file.replace('/src/', '/dist/').replace(/\.ts$/, '.js');
  if (!exists(output)) return true;
  return !/^\s*(export\s*\{\s*\};?)?\s*$/.test(read(output).replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, ''));
}

const summary = exists(SUMMARY) ? JSON.parse(read(SUMMARY)) : {};
const measured = new Map(Object.entries(summary).map(([path, value]) => [relative(root, path), value.lines]));
const stages = new Map();
for (const file of files('packages', /\.ts$/)) {
  const parts = /^(packages\/[^/]+\/src)\/(?:([^/]+)\/)?/.exec(file);
  if (parts === null || file.endsWith('.d.ts') || isTest(file) || !hasCode(file)) continue;
  const lines = measured.get(file) ?? { total: read(file).split('\n').length, covered: 0 };
  const name = parts[2] === undefined ? parts[1] : `${parts[1]}/${parts[2]}`;
  const stage = stages.get(name) ?? { total: 0, covered: 0, worst: '', worstPercent: 101 };
  const percent = lines.total === 0 ? 100 : (100 * lines.covered) / lines.total;
  if (percent < stage.worstPercent) Object.assign(stage, { worst: file.slice(name.length + 1), worstPercent: percent });
  stages.set(name, { ...stage, total: stage.total + lines.total, covered: stage.covered + lines.covered });
}

const faults = [];
if (measured.size === 0) faults.push(`${SUMMARY} is missing: run the tests first`);
let [total, covered] = [0, 0];
for (const [name, stage] of stages) {
  const percent = stage.total === 0 ? 100 : (100 * stage.covered) / stage.total;
  console.log(
    `  ${percent.toFixed(1).padStart(5)} %  ${name}  (least: ${stage.worst} ${stage.worstPercent.toFixed(0)} %)`,
  );
  if (percent < MINIMUM) faults.push(`${name} has ${percent.toFixed(1)} % of its lines covered, expected ${MINIMUM} %`);
  total += stage.total;
  covered += stage.covered;
}

const all = total === 0 ? 100 : (100 * covered) / total;
conclude(`line coverage by stage (${all.toFixed(1)} % in all)`, enforced ? faults : []);
