/**
 * What inversify says when it cannot make something: its first sentence, and what to do. Any other text is left as it is, in one
 * line.
 * @param reason the message of its error
 */
export function wordsOfInversify(reason: string): string {
  const unbound = /^No bindings found for service: "(.*?)"\.\s+Trying to resolve bindings for "(.*?)"/s.exec(reason);
  if (unbound !== null) {
    const [, service = '', user = ''] = unbound;
    return `No bindings found for service: "${service}". ${user} needs it in its constructor, and the container has nothing for it: ${bindLine(service)}`;
  }
  const bare = /^(Found unexpected missing metadata on type "([^"]*)"\.).*? at least (\d+) /s.exec(reason);
  if (bare !== null) {
    const [, first = '', type = '', count = ''] = bare;
    const parameters = count === '1' ? 'the parameter' : `each of the ${count} parameters`;
    return `${first} inversify was not told what to give its constructor: put @injectable() on ${type}, and @inject(...) on ${parameters} (with "emitDecoratorMetadata" under tsc or swc, @injectable() is enough for classes)`;
  }
  return reason.replaceAll(/\s*\n\s*/g, ' ').trim();
}

/** A symbol, a class and a text look alike in inversify's text but for the first. */
function bindLine(service: string): string {
  const symbol = /^Symbol\((.*)\)$/.exec(service);
  const token = symbol === null ? service : 'theSymbol';
  return /^[A-Z]\w*$/.test(token)
    ? `container.bind(${token}).toSelf().inSingletonScope(), or .toConstantValue(...)`
    : `container.bind(${symbol === null ? `'${token}'` : token}).to(...) or .toConstantValue(...)`;
}
