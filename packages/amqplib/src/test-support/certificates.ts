import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { whyUnavailable } from '../../../../tools/scripts/brokers.mjs';

const run = promisify(execFile);

/** A certificate with its key, as PEM text. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * `before(needsTlsNodes)` skips a describe where no RabbitMQ can be started or no openssl makes its certificates, and says
 * so; with `CI=true` it fails instead.
 */
export async function needsTlsNodes(this: { skip(): never }): Promise<void> {
  if (process.env['LEVERET_SKIP_PRIVATE_BROKERS'] || process.env['LEVERET_TEST_BROKER'] === 'embedded') this.skip();
  const reason = whyUnavailable() ?? (await whyNoOpenssl());
  if (reason === undefined) return;
  if (process.env['CI'] === 'true') throw new Error(`expected RabbitMQ with TLS: ${reason}`);
  console.log(`    skipped: ${reason}`);
  this.skip();
}

function whyNoOpenssl(): Promise<string | undefined> {
  return run('openssl', ['version']).then(
    () => undefined,
    () => 'openssl cannot be run, which makes the certificates of these tests',
  );
}

/** An authority that makes certificates for tests, valid for a day. Its files are gone when it is disposed of. */
export class TestAuthority implements AsyncDisposable {
  readonly #folder: string;
  readonly ca: string;

  private constructor(folder: string, ca: string) {
    this.#folder = folder;
    this.ca = ca;
  }

  static async make(name: string): Promise<TestAuthority> {
    const folder = await mkdtemp(join(tmpdir(), 'leveret-ca-'));
    await openssl(folder, [
      'req',
      '-x509',
      ...NEW_KEY,
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '1',
      '-subj',
      `/CN=${name}`,
    ]);
    return new TestAuthority(folder, await readFile(join(folder, 'ca.pem'), 'utf8'));
  }

  /** @param alternativeNames such as `DNS:localhost`; none for certificates of clients */
  async issue(commonName: string, alternativeNames: readonly string[] = []): Promise<Certificate> {
    const extensions = alternativeNames.length === 0 ? '' : `subjectAltName=${alternativeNames.join(',')}\n`;
    await writeFile(join(this.#folder, 'extensions'), extensions);
    await openssl(this.#folder, ['req', ...NEW_KEY, 'one.key', '-out', 'one.csr', '-subj', `/CN=${commonName}`]);
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', 'extensions'];
    await openssl(this.#folder, ['x509', '-req', '-in', 'one.csr', '-out', 'one.pem', ...signing]);
    const [cert, key] = await Promise.all(
      ['one.pem', 'one.key'].map((file) => readFile(join(this.#folder, file), 'utf8')),
    );
    return { cert: cert as string, key: key as string };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

// Elliptic curves: an RSA key can take seconds on a busy machine.
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout'];

async function openssl(folder: string, args: readonly string[]): Promise<void> {
  await run('openssl', args, { cwd: folder, timeout: 30_000 });
}
