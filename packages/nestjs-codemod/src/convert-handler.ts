import { isTaken } from './imports.js';
import { listenerOptions } from './listener-options.js';
import { decoratorCall, isNode, type Node, nameOf, walk } from './syntax.js';
import type { Work } from './work.js';

const DECORATORS: ReadonlySet<string> = new Set(['RabbitSubscribe', 'RabbitRPC']);

/** Turns `@RabbitSubscribe` and `@RabbitRPC` methods into `@Listener` methods: each as a whole, or not at all. */
export function convertHandlers(program: Node, work: Work): void {
  walk(program, (node) => {
    if (node.type === 'ClassMethod') convertMethod(program, node, work);
    return true;
  });
}

function convertMethod(program: Node, method: Node, work: Work): void {
  for (const decorator of (method['decorators'] ?? []) as Node[]) {
    const call = decoratorCall(decorator);
    const exported = call === undefined ? undefined : work.imported.names.get(call.name);
    if (call === undefined || exported === undefined || !DECORATORS.has(exported)) continue;
    const options = listenerOptions(call.args[0], work.source);
    const plans = [parametersOf(method, work), nacksIn(method, work)];
    const why = options.why ?? plans.find((plan) => plan.why !== undefined)?.why ?? takenName(program);
    if (why !== undefined || options.text === undefined) {
      work.note(decorator, `stays on @leveret/nestjs/golevelup: ${why ?? 'its options cannot be read'}`);
      continue;
    }
    work.replace(decorator['expression'] as Node, `Listener(${options.text})`);
    work.needs.leveret.add('Listener');
    for (const planned of plans.flatMap(({ edits }) => edits)) carryOut(planned, work);
    for (const note of options.notes) work.note(decorator, note);
  }
}

function takenName(program: Node): string | undefined {
  const names = ['Listener', 'Payload', 'Header', 'Headers', 'Pipes'];
  const taken = names.find((name) => isTaken(program, name, name === 'Pipes' ? '@leveret/nestjs' : 'leveret'));
  return taken === undefined ? undefined : `${taken} is the name of something else here`;
}

function carryOut({ edit, needs }: Edit, work: Work): void {
  edit();
  for (const each of needs) (each === 'Pipes' ? work.needs.nest : work.needs.leveret).add(each);
}

interface Planned {
  /** Why it cannot be done. */
  readonly why?: string;
  readonly edits: readonly Edit[];
}

interface Edit {
  readonly edit: () => void;
  /** Names that are there then. */
  readonly needs: readonly string[];
}

function parametersOf(method: Node, work: Work): Planned {
  const parameters = method['params'] as Node[];
  const edits: Edit[] = [];
  for (const parameter of parameters) {
    for (const decorator of (parameter['decorators'] ?? []) as Node[]) {
      const planned = parameterEdit(decorator, work);
      if (typeof planned === 'string') return { why: planned, edits: [] };
      if (planned !== undefined) edits.push(planned);
    }
  }
  if (edits.length === 0 && parameters.length > 1) {
    const why = 'it takes the message of amqplib as its second parameter. With leveret: @Message() or @Context()';
    return { why, edits: [] };
  }
  if (edits.length > 0 && edits.length < parameters.length) return { why: 'a parameter has no decorator', edits: [] };
  return { edits };
}

/** `undefined` when it is no decorator of golevelup; a text when it has no counterpart, which says why. */
function parameterEdit(decorator: Node, { imported, replace, source }: Work): Edit | string | undefined {
  const call = decoratorCall(decorator);
  const exported = call === undefined ? undefined : imported.names.get(call.name);
  if (call === undefined || exported === undefined) return undefined;
  const [property, pipes] = splitArguments(call.args);
  const text = counterpart(exported, property && textOf(property, source), pipes.length > 0);
  if (text === undefined) {
    return `@${exported}(${call.args.map((each) => textOf(each, source)).join(', ')}) has no counterpart`;
  }
  const name = text.slice(0, text.indexOf('('));
  const expression = decorator['expression'] as Node;
  if (pipes.length === 0) return { edit: () => replace(expression, text), needs: [name] };
  const piped = `${text} @Pipes(${pipes.map((each) => textOf(each, source)).join(', ')})`;
  return { edit: () => replace(expression, piped), needs: [name, 'Pipes'] };
}

function counterpart(decorator: string, property: string | undefined, isPiped: boolean): string | undefined {
  if (decorator === 'RabbitPayload') return property === undefined ? 'Payload()' : undefined;
  if (decorator !== 'RabbitHeader') return undefined;
  if (property !== undefined) return `Header(${property}, { required: false })`;
  return isPiped ? undefined : 'Headers()';
}

function splitArguments(args: readonly Node[]): [Node | undefined, readonly Node[]] {
  const [first, ...rest] = args;
  return first?.type === 'StringLiteral' ? [first, rest] : [undefined, args];
}

function nacksIn(method: Node, { imported, replace, source }: Work): Planned {
  const edits: Edit[] = [];
  let why: string | undefined;
  walk(method['body'] as Node, (node, parent) => {
    if (node.type !== 'NewExpression' || imported.names.get(nameOf(node['callee']) ?? '') !== 'Nack') return true;
    const [given] = node['arguments'] as Node[];
    const requeue = given === undefined ? false : given.type === 'BooleanLiteral' ? given['value'] : undefined;
    if (parent?.type !== 'ReturnStatement' || requeue === undefined) {
      why = `${textOf(node, source)} is not simply returned`;
      return true;
    }
    const name = requeue === true ? 'RequeueMessage' : 'RejectMessage';
    edits.push({
      edit: () => replace({ start: parent.start, end: node.end }, `throw new ${name}()`),
      needs: [name],
    });
    return true;
  });
  const returned = method['returnType'];
  if (edits.length > 0 && isNode(returned) && textOf(returned, source).includes('Nack')) {
    why = 'its type says that it returns a Nack';
  }
  return why === undefined ? { edits } : { why, edits: [] };
}

function textOf({ start, end }: Node, source: string): string {
  return source.slice(start, end);
}
