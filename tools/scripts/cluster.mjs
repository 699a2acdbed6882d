/** A cluster of private RabbitMQ nodes: started, partitioned, healed. private-node.mjs starts each of its nodes. */
import { randomBytes } from 'node:crypto';
import { MEMORY_FOLDER, until } from './private-node.mjs';

const FORMED_MS = 60_000;

/** Nodes that know each other. `startCluster` of brokers.mjs makes one, brokers.d.mts describes it. */
export class PrivateCluster {
  #isolated = new Set();

  constructor(nodes) {
    this.nodes = nodes;
    this.version = nodes[0].version;
  }

  get urls() {
    return this.nodes.map(({ url }) => url);
  }

  /** Resolves once every node sees all the others. */
  async formed() {
    const all = async () => (await Promise.all(this.nodes.map(running))).every((count) => count === this.nodes.length);
    await until(all, FORMED_MS, `${this.nodes.length} nodes did not form a cluster within ${FORMED_MS} ms`);
  }

  /** The node that leads a quorum queue; `undefined` while there is none. */
  async leaderOf(queue, vhost = '/') {
    const node = this.nodes.find((each) => each.pid !== undefined && !this.#isolated.has(each));
    const answer = await node?.ctl('eval', leader(queue, vhost));
    return this.nodes.find(({ name, pid }) => pid !== undefined && answer?.includes(`'${name}'`));
  }

  /**
   * Looks on from inside another node, as `ctl` itself takes longer than an election. Resolves when it does, with a function
   * that resolves with the moment at which the queue had another leader than this node.
   */
  async watchElection(queue, old, vhost = '/') {
    const node = this.nodes.find((each) => each !== old && each.pid !== undefined && !this.#isolated.has(each));
    const key = `elected_${randomBytes(4).toString('hex')}`;
    await node.ctl('eval', watching(queue, old.name, vhost, key));
    return async () => {
      let answer = '';
      const elected = async () => {
        answer = await node.ctl('eval', `application:get_env(kernel, ${key}, none).`);
        return /^\d+/.test(answer);
      };
      await until(elected, FORMED_MS, `${queue} has no other leader after ${FORMED_MS} ms`);
      return Number(answer);
    };
  }

  /**
   * Cuts one node off from the others while clients go on reaching all of them: each side takes the other's handshake for
   * one with a wrong cookie, so that neither can connect again.
   */
  async isolate(node) {
    this.#isolated.add(node);
    const others = this.nodes.filter((other) => other !== node && other.pid !== undefined);
    const wrong = `wrong${randomBytes(6).toString('hex')}`;
    await node.ctl('eval', parting(others, wrong));
  }

  /** Ends every isolation. The nodes find each other again by themselves. */
  async heal() {
    for (const node of this.#isolated) {
      if (node.pid !== undefined) await node.ctl('eval', rejoining(this.nodes.filter((other) => other !== node)));
    }
    this.#isolated.clear();
  }

  async remove() {
    await Promise.all(this.nodes.map((node) => node.remove()));
  }
}

/** What the nodes of one cluster are started with: one cookie, and each other's names. */
export function clusterOptions(count, options) {
  const tag = randomBytes(4).toString('hex');
  const names = Array.from({ length: count }, (_, index) => `leveret-${tag}-${index + 1}`);
  const formation = [
    'cluster_formation.peer_discovery_backend = classic_config',
    ...names.map((name, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}@localhost`),
    // A node that is gone is noticed within some 5 s instead of 60.
    'net_ticktime = 5',
  ];
  return names.map((name) => ({
    ...options,
    name,
    cookie: `${tag}COOKIE`.toUpperCase(),
    within: MEMORY_FOLDER,
    conf: `${formation.join('\n')}\n${options.conf ?? ''}`,
    startTimeoutMs: options.startTimeoutMs ?? 120_000,
  }));
}

async function running(node) {
  return JSON.parse(await node.ctl('cluster_status', '--formatter', 'json')).running_nodes.length;
}

// From Raft itself: what list_queues calls the leader may be the one that was killed.
function leader(queue, vhost) {
  return `${raftName(queue, vhost)}
    case ra:members({Id, node()}, 2000) of {ok, _, {_, Leader}} -> Leader; _ -> none end.`;
}

function watching(queue, old, vhost, key) {
  return `${raftName(queue, vhost)}
    Look = fun(Again) -> case ra:members({Id, node()}, 500) of
      {ok, _, {_, Leader}} when Leader =/= '${old}' ->
        application:set_env(kernel, ${key}, os:system_time(millisecond));
      _ -> timer:sleep(10), Again(Again)
    end end, spawn(fun() -> Look(Look) end).`;
}

function raftName(queue, vhost) {
  const name = `rabbit_misc:r(<<"${vhost}">>, queue, <<"${queue}">>)`;
  return `{ok, Q} = rabbit_amqqueue:lookup(${name}), {Id, _} = amqqueue:get_pid(Q),`;
}

function parting(others, cookie) {
  const names = others.map(({ name }) => `'${name}'`).join(',');
  return `[begin erlang:set_cookie(N, ${cookie}), erlang:disconnect_node(N) end || N <- [${names}]].`;
}

function rejoining(others) {
  const names = others.map(({ name }) => `'${name}'`).join(',');
  return `[erlang:set_cookie(N, erlang:get_cookie()) || N <- [${names}]].`;
}
