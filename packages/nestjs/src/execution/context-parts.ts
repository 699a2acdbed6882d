import { ExternalContextCreator, type ModulesContainer } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import type { EnhancerKind } from '../options/module-options.js';
import { type DescribedParameter, isPiped } from './handler-parameters.js';
import { Origins } from './origins.js';

/** What an `ExternalContextCreator` is put together from, in the order of its constructor. */
export type ContextParts = ConstructorParameters<typeof ExternalContextCreator>;

type Parts = {
  guardsContextCreator: ContextParts[0];
  guardsConsumer: ContextParts[1];
  interceptorsContextCreator: ContextParts[2];
  interceptorsConsumer: ContextParts[3];
  pipesContextCreator: ContextParts[5];
  pipesConsumer: ContextParts[6];
  filtersContextCreator: ContextParts[7];
};

const NAMES = [
  'guardsContextCreator',
  'guardsConsumer',
  'interceptorsContextCreator',
  'interceptorsConsumer',
  'pipesContextCreator',
  'pipesConsumer',
  'filtersContextCreator',
] as const satisfies readonly (keyof Parts)[];

/** Where Nest's parts are not what they are known to be. */
function partsOf(creator: ExternalContextCreator): Parts {
  const parts = creator as unknown as Parts;
  const missing = NAMES.filter((name) => typeof parts[name] !== 'object' || parts[name] === null);
  if (missing.length === 0) return parts;
  throw new Error(
    `@leveret/nestjs knows NestJS 11 and 12, but the ExternalContextCreator of this @nestjs/core has no ${missing.join(', ')}. Install one of these versions`,
  );
}

/**
 * The parts with which messages are handled: Nest's own, with the global enhancers that are asked for and no others; they say
 * whether a guard or a pipe threw an error, leave parameters alone that pipes are not for, and let a failure stand that no filter
 * answers.
 */
export function contextParts(
  given: ExternalContextCreator,
  modules: ModulesContainer,
  globals: ReadonlySet<EnhancerKind>,
  origins: Origins,
): ContextParts {
  const withGlobals = partsOf(given);
  // Of nothing but the modules: global enhancers are in the configuration of the application, which it has none of.
  const container = { getModules: () => modules, applicationConfig: undefined };
  const alone = partsOf(ExternalContextCreator.fromContainer(container as never));
  const from = (kind: EnhancerKind): Parts => (globals.has(kind) ? withGlobals : alone);
  return [
    from('guards').guardsContextCreator,
    notingGuards(alone.guardsConsumer, origins),
    from('interceptors').interceptorsContextCreator,
    alone.interceptorsConsumer,
    modules,
    from('pipes').pipesContextCreator,
    pipingParameters(alone.pipesConsumer, origins),
    standingFailures(from('filters').filtersContextCreator),
  ];
}

function notingGuards(consumer: Parts['guardsConsumer'], origins: Origins): Parts['guardsConsumer'] {
  return {
    tryActivate: (guards: readonly Activating[], ...rest: unknown[]) =>
      (consumer.tryActivate as AnyCall)(
        guards.map((guard) => ({
          canActivate: (context: unknown) => origins.note('guard', () => guard.canActivate(context)),
        })),
        ...rest,
      ),
  } as unknown as Parts['guardsConsumer'];
}

function pipingParameters(consumer: Parts['pipesConsumer'], origins: Origins): Parts['pipesConsumer'] {
  return {
    apply(value: unknown, metadata: PipedMetadata, pipes: readonly Transforming[]): unknown {
      const { data } = metadata;
      if (!isPiped(data.kind)) return value;
      const noting = pipes.map((pipe) => ({
        transform: (...given: unknown[]) => origins.note('pipe', () => pipe.transform(...given)),
      }));
      const described = { ...metadata, metatype: data.type ?? metadata.metatype, data: data.name };
      return (consumer.apply as AnyCall)(value, described, noting);
    },
  } as unknown as Parts['pipesConsumer'];
}

/** What no filter answers goes on as it is, without the line that Nest logs: leveret says what becomes of it. */
function standingFailures(creator: Parts['filtersContextCreator']): Parts['filtersContextCreator'] {
  return {
    create(...given: unknown[]) {
      const handler = (creator.create as AnyCall)(...given) as Filtering;
      return {
        async next(error: unknown, host: unknown): Promise<unknown> {
          const called: unknown = handler.invokeCustomFilters(error, host);
          const answer: unknown = isObservable(called) ? await lastValueFrom(called) : await called;
          if (answer === undefined || answer === null) throw error;
          return answer;
        },
      };
    },
  } as unknown as Parts['filtersContextCreator'];
}

type AnyCall = (...given: unknown[]) => unknown;

interface Activating {
  canActivate(context: unknown): unknown;
}

interface Transforming {
  transform(...given: unknown[]): unknown;
}

interface Filtering {
  invokeCustomFilters(error: unknown, host: unknown): unknown;
}

interface PipedMetadata {
  readonly metatype: unknown;
  readonly type: unknown;
  readonly data: DescribedParameter;
}

/** Global pipes, which are in the configuration of the application. */
export function globalPipesOf(creator: ExternalContextCreator): readonly unknown[] {
  return partsOf(creator).pipesContextCreator.getGlobalMetadata();
}
