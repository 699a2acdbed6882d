import { FatalMessageError, type Handler, type HandlerRoute, type Message } from '@leveret/core';
import type { HandlerPlan, RoutePlan } from '../reading/listener-plan.js';

/** The header in which Spring writes the class of a payload. */
const TYPE_ID = '__TypeId__';

/** Makes the handler of a listener from its plan. `toRoute` is called once for each method. */
export function listenerHandler(plan: HandlerPlan, toRoute: (route: RoutePlan) => HandlerRoute): Handler {
  if (plan.kind === 'single') {
    const route = toRoute(plan.route);
    return { route: () => route };
  }
  const made = new Map<RoutePlan, HandlerRoute>();
  const once = (route: RoutePlan): HandlerRoute => {
    const found = made.get(route) ?? toRoute(route);
    made.set(route, found);
    return found;
  };
  // A Map, not an object: the sender chooses the key, and "constructor" must find nothing.
  const routes = new Map([...plan.routes].map(([type, route]) => [type, once(route)]));
  const fallback = plan.defaultRoute === undefined ? undefined : once(plan.defaultRoute);
  return {
    route(message) {
      const found = byType(routes, message) ?? fallback;
      if (found === undefined) throw noHandler(message, [...routes.keys()]);
      return found;
    },
  };
}

function byType(routes: ReadonlyMap<string, HandlerRoute>, message: Message): HandlerRoute | undefined {
  const byProperty = message.type === undefined ? undefined : routes.get(message.type);
  if (byProperty !== undefined) return byProperty;
  const typeId = message.headers[TYPE_ID];
  return typeof typeId === 'string' ? routes.get(typeId) : undefined;
}

function noHandler(message: Message, known: readonly string[]): FatalMessageError {
  const typeId = message.headers[TYPE_ID];
  const type = message.type ?? (typeof typeId === 'string' ? typeId : undefined);
  const got =
    type === undefined ? 'The message says no type' : `Nobody handles messages of type ${JSON.stringify(type)}`;
  return new FatalMessageError(
    'LEV_NO_HANDLER',
    `${got} (the type property, or the ${TYPE_ID} header). Known are: ${known.join(', ')}. Add @Handler(..., { type: ... }), or a handler with isDefault: true.`,
  );
}
