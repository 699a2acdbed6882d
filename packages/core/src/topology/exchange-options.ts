import { checkFlag, checkKnown } from '../errors/check-option.js';
import { describeValue, type Problems } from '../errors/configuration-error.js';
import {
  checkArguments,
  checkName,
  checkObject,
  checkOptionalOneOf,
  isReservedName,
  type RawOptions,
} from './check-options.js';
import type { DeclareMode, ExchangeDeclaration, ExchangeType, TopologyArguments } from './topology.js';

/**
 * An exchange to declare. Without further options it is direct and durable.
 * @see https://www.rabbitmq.com/docs/exchanges
 */
export interface ExchangeOptions {
  /** At most 255 bytes, not starting with `amq.`. */
  readonly name: string;
  /** Default `direct`. */
  readonly type?: ExchangeType;
  /** Survives a restart of the broker. Default `true`. */
  readonly durable?: boolean;
  /** Deleted when its last binding goes. Default `false`. */
  readonly autoDelete?: boolean;
  /** Only other exchanges may publish to it. Default `false`. */
  readonly internal?: boolean;
  /**
   * Where messages go that it cannot route (`alternate-exchange`). Not declared by naming it here.
   * @see https://www.rabbitmq.com/docs/ae
   */
  readonly alternateExchange?: string;
  /**
   * Holds messages back for the time in their `x-delay` header, then routes by `type`. Needs the delayed message
   * exchange plugin of the broker. What it holds back is published without `mandatory`, because it would be returned although
   * it is delivered later. Default `false`.
   * @see https://github.com/rabbitmq/rabbitmq-delayed-message-exchange
   */
  readonly delayed?: boolean;
  /**
   * `true` (the default): declared, and a mismatch if it exists with other properties. `'if-missing'`: used as it is
   * when it exists. `false`: never declared; it must exist.
   */
  readonly declare?: boolean | 'if-missing';
  /** Any further arguments, as they go on the wire. */
  readonly arguments?: TopologyArguments;
}

/** An exchange that was asked for: its name, how it routes (when that is known), and its declaration if there is one. */
export interface ResolvedExchange {
  readonly name: string;
  /** The type that routes, also behind a delayed exchange; `undefined` when only the name is known. */
  readonly routing: ExchangeType | undefined;
  readonly declaration: ExchangeDeclaration | undefined;
}

const KNOWN_OPTIONS = [
  'name',
  'type',
  'durable',
  'autoDelete',
  'internal',
  'alternateExchange',
  'delayed',
  'declare',
  'arguments',
];

/** The type of an exchange of the delayed message exchange plugin. */
const DELAYED_TYPE = 'x-delayed-message';

/** Exchanges that every virtual host has. */
const PREDEFINED: Readonly<Record<string, ExchangeType>> = {
  '': 'direct',
  'amq.direct': 'direct',
  'amq.topic': 'topic',
  'amq.fanout': 'fanout',
  'amq.headers': 'headers',
  'amq.match': 'headers',
};

/**
 * The declaration of an exchange that was only named: declared durable with the type that its use suggests if it is
 * missing, used as it is if it exists. `''` and names that start with `amq.` are the broker's and never declared.
 */
export function resolveExchangeName(
  name: unknown,
  assumedType: 'direct' | 'headers',
  problems: Problems,
): ResolvedExchange | undefined {
  if (name === '' || (typeof name === 'string' && isReservedName(name))) {
    return { name, routing: Object.hasOwn(PREDEFINED, name) ? PREDEFINED[name] : undefined, declaration: undefined };
  }
  if (!checkName(name, 'the name of an exchange', problems)) return undefined;
  const declaration: ExchangeDeclaration = Object.freeze({
    name,
    declare: 'if-missing',
    assumed: true,
    type: assumedType,
    durable: true,
    autoDelete: false,
    internal: false,
    arguments: Object.freeze({}),
  });
  return { name, routing: undefined, declaration };
}

/** The declaration of an exchange from its options; `undefined` (and faults) when it has no usable name. */
export function resolveExchangeOptions(options: unknown, problems: Problems): ResolvedExchange | undefined {
  const raw = checkObject(options, 'an exchange', problems);
  if (raw === undefined) return undefined;
  const here = problems.at(`exchange ${describeValue(raw['name'])}`);
  checkKnown(raw, KNOWN_OPTIONS, 'an exchange', here);
  const args = resolveArguments(raw, here);
  const type = resolveType(raw, args, here);
  const durable = checkFlag(raw['durable'], 'durable', true, here);
  const autoDelete = checkFlag(raw['autoDelete'], 'autoDelete', false, here);
  const internal = checkFlag(raw['internal'], 'internal', false, here);
  const declare =
    checkOptionalOneOf<boolean | DeclareMode>(raw['declare'], 'declare', [true, false, 'if-missing'], here) ?? true;
  const name = raw['name'];
  if (!checkName(name, 'the name of an exchange', problems)) return undefined;
  const routing = type === DELAYED_TYPE ? String(args['x-delayed-type']) : type;
  if (declare === false) return { name, routing, declaration: undefined };
  if (isReservedName(name)) {
    here.add(
      "names that start with 'amq.' are reserved: the broker refuses to declare them; name it as text, or choose another",
    );
  }
  const declaration: ExchangeDeclaration = Object.freeze({
    name,
    declare: declare === 'if-missing' ? 'if-missing' : 'always',
    type,
    durable,
    autoDelete,
    internal,
    arguments: Object.freeze(args),
  });
  return { name, routing, declaration };
}

function resolveType(raw: RawOptions, args: Record<string, unknown>, problems: Problems): ExchangeType {
  const type = raw['type'] ?? 'direct';
  if (typeof type !== 'string' || type === '') {
    problems.add(
      `type must be 'direct', 'topic', 'fanout', 'headers' or the type of a plugin; got ${describeValue(type)}`,
    );
    return 'direct';
  }
  if (checkFlag(raw['delayed'], 'delayed', false, problems) && type !== DELAYED_TYPE) {
    const asArgument = args['x-delayed-type'];
    if (asArgument !== undefined && asArgument !== type) {
      problems.add(
        `type (${describeValue(type)}) and arguments['x-delayed-type'] (${describeValue(asArgument)}) contradict each other; give one of them`,
      );
    }
    args['x-delayed-type'] = type;
    return DELAYED_TYPE;
  }
  if (type === DELAYED_TYPE && (typeof args['x-delayed-type'] !== 'string' || args['x-delayed-type'] === '')) {
    problems.add(
      `type '${DELAYED_TYPE}' needs arguments['x-delayed-type'], such as 'direct'; or give the type that routes and delayed: true`,
    );
  }
  return type;
}

function resolveArguments(raw: RawOptions, problems: Problems): Record<string, unknown> {
  const args = checkArguments(raw, problems);
  const asOption = raw['alternateExchange'];
  const asArgument = args['alternate-exchange'];
  if (asOption !== undefined && asArgument !== undefined && asOption !== asArgument) {
    problems.add(
      `alternateExchange (${describeValue(asOption)}) and arguments['alternate-exchange'] (${describeValue(asArgument)}) contradict each other; give one of them`,
    );
  }
  const alternate = asOption ?? asArgument;
  if (alternate !== undefined && checkName(alternate, 'alternateExchange', problems))
    args['alternate-exchange'] = alternate;
  return args;
}
