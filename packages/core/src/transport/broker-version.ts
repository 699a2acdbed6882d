/**
 * Whether a broker's version (`3.10.8`, `4.0.5-beta.1`) is at least `major.minor`.
 * @param whenUnreadable the answer for a version that cannot be read: the one that is safe for the caller
 */
export function isAtLeast(version: string, major: number, minor: number, whenUnreadable: boolean): boolean {
  const match = /^(\d+)\.(\d+)/.exec(version);
  if (match === null) return whenUnreadable;
  const [actualMajor, actualMinor] = [Number(match[1]), Number(match[2])];
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
}
