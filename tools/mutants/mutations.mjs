/**
 * Which small faults can be planted in a compiled file. Compiled ones, because they run as they are: a mutant costs no build.
 * Texts are left alone: most of them are words of an error, which no test should repeat.
 */
import { SourceMap } from 'node:module';
import { parse } from 'acorn';

/** What each kind of mutant tells of tests that do not find it: nobody asks for this branch, effect, bound, wait or end. */
export const KINDS = ['condition', 'bound', 'call', 'clean-up', 'assignment', 'constant', 'await', 'return'];

const CLEAN_UP =
  /^(abort|cancel|clear|close|delete|destroy|detach|dispose|drain|end|free|off|release|remove|reset|resolve|settle|stop|unref|unsubscribe)/i;
const SWAPPED = { '&&': '||', '||': '&&', '===': '!==', '!==': '===', '==': '!=', '!=': '==' };
const MOVED = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '+=': '-=',
  '-=': '+=',
};
/** What the compiler adds, and no line of the source stands for. */
const COMPILERS =
  /^__|\benv_\d|\b__(?:decorate|metadata|param|esDecorate|runInitializers|addDisposable|disposeResources)/;

/** @returns {{kind: string, start: number, end: number, text: string, was: string, line: number, key?: true}[]} `key`: of an object */
export function mutationsOf(code, map) {
  const found = [];
  const lineOf = sourceLines(code, map);
  const add = (kind, { start, end, isKey }, text) => {
    const was = code.slice(start, end);
    const line = lineOf(start);
    if (was === text || line === undefined || COMPILERS.test(was)) return;
    found.push({ kind, start, end, text, was, line, ...(isKey && { key: true }) });
  };
  walk(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }), code, add);
  return found;
}

function walk(node, code, add) {
  if (isCompilers(node, code)) return;
  if (node.key !== undefined && !node.computed) node.key.isKey = true;
  plant(node, (each) => code.slice(each.start, each.end), add);
  for (const child of childrenOf(node)) walk(child, code, add);
}

function plant(node, textOf, add) {
  switch (node.type) {
    case 'IfStatement':
    case 'ConditionalExpression':
    case 'WhileStatement':
      add('condition', node.test, `!(${textOf(node.test)})`);
      return;
    case 'LogicalExpression':
      if (node.operator === '??') add('condition', node, `(${textOf(node.left)})`);
      else add('condition', node, `((${textOf(node.left)}) ${SWAPPED[node.operator]} (${textOf(node.right)}))`);
      return;
    case 'BinaryExpression': {
      const [left, right] = [textOf(node.left), textOf(node.right)];
      if (SWAPPED[node.operator] !== undefined)
        add('condition', node, `((${left}) ${SWAPPED[node.operator]} (${right}))`);
      else if (MOVED[node.operator] !== undefined && !isText(node)) {
        add('bound', node, `((${left}) ${MOVED[node.operator]} (${right}))`);
      }
      return;
    }
    case 'UpdateExpression':
      add(
        'bound',
        node,
        textOf(node).replace(/\+\+|--/, (each) => (each === '++' ? '--' : '++')),
      );
      return;
    case 'ExpressionStatement':
      plantInStatement(node, node.expression, textOf, add);
      return;
    case 'Literal':
      if (typeof node.value === 'number') add('constant', node, String(node.value + 1));
      if (typeof node.value === 'boolean') add('constant', node, String(!node.value));
      return;
    case 'AwaitExpression':
      add('await', node, `(${textOf(node.argument)})`);
      return;
    case 'ReturnStatement':
      // What is empty or false already mostly comes to the same for who asks.
      if (node.argument && !/^(false|null|undefined|\[\]|\{\})$/.test(textOf(node.argument)))
        add('return', node.argument, 'undefined');
      return;
    default:
  }
}

function plantInStatement(node, expression, textOf, add) {
  const inner = expression.type === 'AwaitExpression' ? expression.argument : expression;
  const call = inner.type === 'ChainExpression' ? inner.expression : inner;
  if (call.type === 'UnaryExpression' && call.operator === 'void') add('call', node, ';');
  if (call.type === 'CallExpression' && call.callee.type !== 'Super') {
    const name = call.callee.property?.name ?? call.callee.name ?? '';
    add(CLEAN_UP.test(name) ? 'clean-up' : 'call', node, ';');
  }
  if (call.type !== 'AssignmentExpression') return;
  if (call.left.type === 'MemberExpression') add('assignment', node, ';');
  if (MOVED[call.operator] !== undefined && !isText(call)) {
    add('bound', call, `${textOf(call.left)} ${MOVED[call.operator]} ${textOf(call.right)}`);
  }
}

/** Minus makes no sense of what is joined as text. */
function isText({ left, right, operator }) {
  if (!operator.startsWith('+')) return false;
  return [left, right].some((side) => side.type === 'TemplateLiteral' || typeof side.value === 'string');
}

function isCompilers(node, code) {
  if (node.type === 'VariableDeclaration') return node.declarations.every(({ id }) => COMPILERS.test(id.name ?? ''));
  if (node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration') return true;
  return node.type === 'ExpressionStatement' && COMPILERS.test(code.slice(node.start, node.start + 60));
}

function* childrenOf(node) {
  for (const value of Object.values(node)) {
    for (const each of Array.isArray(value) ? value : [value]) if (typeof each?.type === 'string') yield each;
  }
}

/** The line of the source that a place in the compiled file comes from. */
function sourceLines(code, map) {
  const starts = [0];
  for (let at = code.indexOf('\n'); at !== -1; at = code.indexOf('\n', at + 1)) starts.push(at + 1);
  const sourceMap = map === undefined ? undefined : new SourceMap(map);
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    if (sourceMap === undefined) return low + 1;
    const { originalLine } = sourceMap.findEntry(low, offset - starts[low]);
    return originalLine === undefined ? undefined : originalLine + 1;
  };
}
