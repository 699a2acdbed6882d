/**
 * Names and keys are kept as the client sent them: one character per byte. Nothing is lost for names that are no valid
 * UTF-8, and comparing is comparing bytes. These two functions stand where such text meets JavaScript text.
 */
export function toBinaryText(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The readable form of text from the wire. */
export function fromBinaryText(binary: string): string {
  return isAscii(binary) ? binary : Buffer.from(binary, 'latin1').toString('utf8');
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
