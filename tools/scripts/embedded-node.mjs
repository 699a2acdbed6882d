/** The embedded broker with the handles of a private node (private-node.mjs), so that a test may use one for the other. */
import { Broker } from '../../packages/broker/dist/index.js';
import { defaultVersion } from './brokers.mjs';
import { freePorts } from './ports.mjs';

/** Starts one in this process, as the RabbitMQ version that is tested beside it. See each-broker.d.mts. */
export async function startEmbeddedNode({ version = defaultVersion(), consumerTimeout } = {}) {
  // Not any free port: while the node is down, nobody else may be given the one it wants back.
  const [port, managementPort] = await freePorts(2);
  return new EmbeddedNode(
    version,
    await Broker.start({ version, port, managementPort, ...(consumerTimeout && { consumerTimeout }) }),
  );
}

class EmbeddedNode {
  #broker;
  #isUp = true;

  constructor(version, broker) {
    this.#broker = broker;
    this.version = version;
    this.port = broker.port;
    this.url = broker.url;
    this.managementUrl = broker.managementUrl;
  }

  async start() {
    if (this.#isUp) return;
    await this.#broker.restart();
    this.#isUp = true;
  }

  async stop() {
    this.#isUp = false;
    await this.#broker.stop();
  }

  async kill() {
    this.#isUp = false;
    await this.#broker.kill();
  }

  /** Nothing to do: it forgets no declaration. */
  async keepDeclarations() {}

  async memoryAlarm(raised) {
    if (raised) this.#broker.faults.block();
    else this.#broker.faults.unblock();
  }

  async changePassword(user, password) {
    this.#broker.changePassword(user, password);
  }

  async remove() {
    await this.#broker.close();
  }
}
