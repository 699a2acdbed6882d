/** The RabbitMQ release line whose behaviour the broker takes on. */
export type BrokerVersion = '3.10' | '4.0' | '4.3';

/**
 * Everything that differs between the release lines, as data. Code asks the profile, never the version.
 * Each row was observed on real 3.10.8, 4.0.5 and 4.3.6 nodes.
 */
export interface VersionProfile {
  readonly version: BrokerVersion;
  /** `version` in the server properties. */
  readonly release: string;
  readonly copyright: string;
  readonly platform: string;
  /** SASL mechanisms offered, separated by spaces. */
  readonly mechanisms: string;
  /** Answer to a wrong protocol header. */
  readonly protocolHeader: readonly number[];
  readonly frameMaxMinimum: number;
  readonly maxMessageBytes: number;
  /** An unknown exchange type closes the connection (503) or the channel (406). */
  readonly unknownExchangeTypeScope: 'connection' | 'channel';
  readonly localRandomExchange: boolean;
  readonly refusesMasterLocator: boolean;
  readonly checksQueueMode: boolean;
  /** What `x-queue-version` may be. */
  readonly queueVersions: readonly number[];
  /** Exchange types whose plug-in is not enabled: they are called unknown, anything else invalid. */
  readonly unknownExchangeTypes: readonly string[];
  readonly checksDeliveryMode: boolean;
  /** A body longer than announced closes the connection (501) instead of being ignored. */
  readonly refusesLongBodies: boolean;
  /** Headers 1 and 1.0 are equal for a headers exchange. */
  readonly floatsEqualIntegers: boolean;
  /**
   * Properties are written anew on arrival: top-level headers sorted by key, the first of each, an unsigned 64-bit number as
   * a signed one, the expiration without a sign and leading zeros. Else that happens to headers only when one is added.
   */
  readonly rewritesProperties: boolean;
  /** Reply texts are UTF-8; a name that is none is taken for Latin-1. */
  readonly replyTextsAreUtf8: boolean;
  /** Deaths are the broker's own record; an `x-death` sent by a client does not count on. */
  readonly ownsDeathRecord: boolean;
  /** The other entries of `x-death` are turned round at each death. */
  readonly reversesDeaths: boolean;
  readonly lastDeathHeaders: boolean;
  readonly keepsCcOnDeadLetter: boolean;
  /** Which queues count the failures that a message takes along through dead-lettering. */
  readonly failuresCountedBy: 'none' | 'quorum-queues' | 'all-queues';
  /**
   * What a failure is: every return to a quorum queue; or a lost channel and every refusal for good; or a lost channel and
   * basic.reject.
   */
  readonly failures: 'returns' | 'losses-and-refusals' | 'losses-and-rejects';
  /** The delivery limit counts how often a message was given back, not how often it failed. */
  readonly deliveryLimitCountsReturns: boolean;
  readonly globalQos: 'channel' | 'consumer';
  /** `undefined`: quorum queues have no limit unless asked for. */
  readonly defaultDeliveryLimit: number | undefined;
  /** A basic.get on a quorum queue shows `x-delivery-count` 0. */
  readonly getShowsZeroDeliveryCount: boolean;
  /** Quorum queues send `x-acquired-count`, and no message handed back goes to the end. */
  readonly showsAcquiredCount: boolean;
  readonly quorumPriorities: 'none' | 'two-levels' | 'strict';
  /** A quorum queue serves and leaves its consumers in the order of their tags, else of their subscriptions. */
  readonly quorumOrdersByTag: boolean;
  /** What a quorum queue drops over its limit is dead-lettered before what died of other causes, the last one first. */
  readonly quorumDropsGoFirst: boolean;
  /** `x-max-length-bytes` of a quorum queue counts the properties too. */
  readonly quorumLimitsCountProperties: boolean;
  readonly delayedRetry: boolean;
  /** A mandatory direct reply that was delivered is returned all the same. */
  readonly returnsDeliveredReplies: boolean;
  /** An unroutable direct reply is returned when mandatory. */
  readonly returnsDeadReplies: boolean;
  /** A consumer of a quorum queue with higher priority takes over as the single active one. */
  readonly singleActiveFollowsPriority: boolean;
  /** What a delivery that is not acknowledged in time leads to. */
  readonly consumerTimeout: 'close-channel' | 'cancel-quorum-consumer';
  /** A queue's argument or policy may say how long a delivery may wait. */
  readonly consumerTimeoutByQueue: boolean;
  /** Direct replies take a delivery tag of their own. */
  readonly countsReplies: boolean;
  /** Passive declarations need the permission to configure. */
  readonly guardsPassiveDeclare: boolean;
  /** Exchanges that are not durable are still there after a restart. */
  readonly keepsTransientExchanges: boolean;
  /** A queue type in a reply text is printed as an Erlang binary. */
  readonly quotesQueueTypes: boolean;
  /** The management API escapes `<` and `>` in error reasons. */
  readonly escapesReasons: boolean;
}

const V3_10: VersionProfile = {
  version: '3.10',
  release: '3.10.8',
  copyright: 'Copyright (c) 2007-2022 VMware, Inc. or its affiliates.',
  platform: 'Erlang/OTP 25.2.3',
  mechanisms: 'AMQPLAIN PLAIN',
  protocolHeader: [0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1],
  frameMaxMinimum: 4096,
  maxMessageBytes: 134_217_728,
  unknownExchangeTypeScope: 'connection',
  localRandomExchange: false,
  refusesMasterLocator: false,
  checksQueueMode: true,
  queueVersions: [1, 2],
  unknownExchangeTypes: [
    'x-delayed-message',
    'x-consistent-hash',
    'x-random',
    'x-local-random',
    'x-modulus-hash',
    'x-recent-history',
  ],
  checksDeliveryMode: true,
  refusesLongBodies: false,
  floatsEqualIntegers: true,
  rewritesProperties: false,
  replyTextsAreUtf8: false,
  ownsDeathRecord: false,
  reversesDeaths: true,
  lastDeathHeaders: false,
  keepsCcOnDeadLetter: false,
  failuresCountedBy: 'none',
  failures: 'returns',
  deliveryLimitCountsReturns: false,
  globalQos: 'channel',
  defaultDeliveryLimit: undefined,
  getShowsZeroDeliveryCount: true,
  showsAcquiredCount: false,
  quorumPriorities: 'none',
  quorumOrdersByTag: true,
  quorumDropsGoFirst: true,
  quorumLimitsCountProperties: false,
  delayedRetry: false,
  returnsDeliveredReplies: true,
  returnsDeadReplies: true,
  singleActiveFollowsPriority: false,
  consumerTimeout: 'close-channel',
  consumerTimeoutByQueue: false,
  countsReplies: false,
  guardsPassiveDeclare: false,
  keepsTransientExchanges: false,
  quotesQueueTypes: false,
  escapesReasons: true,
};

const V4_0: VersionProfile = {
  ...V3_10,
  version: '4.0',
  release: '4.0.5',
  copyright: 'Copyright (c) 2007-2024 Broadcom Inc and/or its subsidiaries',
  platform: 'Erlang/OTP 27.3.4.1',
  mechanisms: 'AMQPLAIN PLAIN ANONYMOUS',
  protocolHeader: [0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0],
  maxMessageBytes: 16_777_216,
  unknownExchangeTypeScope: 'channel',
  localRandomExchange: true,
  checksDeliveryMode: false,
  floatsEqualIntegers: false,
  rewritesProperties: true,
  replyTextsAreUtf8: true,
  ownsDeathRecord: true,
  reversesDeaths: false,
  lastDeathHeaders: true,
  failuresCountedBy: 'quorum-queues',
  failures: 'losses-and-refusals',
  deliveryLimitCountsReturns: true,
  keepsCcOnDeadLetter: true,
  defaultDeliveryLimit: 20,
  getShowsZeroDeliveryCount: false,
  quorumPriorities: 'two-levels',
  quorumOrdersByTag: false,
  singleActiveFollowsPriority: true,
  consumerTimeoutByQueue: true,
};

const V4_3: VersionProfile = {
  ...V4_0,
  version: '4.3',
  release: '4.3.6',
  copyright: 'Copyright (c) 2007-2026 Broadcom Inc and/or its subsidiaries',
  platform: 'Erlang/OTP 29.1.2',
  frameMaxMinimum: 8192,
  refusesMasterLocator: true,
  checksQueueMode: false,
  queueVersions: [2],
  unknownExchangeTypes: V4_0.unknownExchangeTypes.filter((type) => type !== 'x-random'),
  refusesLongBodies: true,
  failuresCountedBy: 'all-queues',
  failures: 'losses-and-rejects',
  deliveryLimitCountsReturns: false,
  globalQos: 'consumer',
  showsAcquiredCount: true,
  quorumPriorities: 'strict',
  quorumLimitsCountProperties: true,
  quorumDropsGoFirst: false,
  delayedRetry: true,
  returnsDeliveredReplies: false,
  returnsDeadReplies: false,
  consumerTimeout: 'cancel-quorum-consumer',
  countsReplies: true,
  guardsPassiveDeclare: true,
  keepsTransientExchanges: true,
  quotesQueueTypes: true,
  escapesReasons: false,
};

const PROFILES: Readonly<Record<BrokerVersion, VersionProfile>> = { '3.10': V3_10, '4.0': V4_0, '4.3': V4_3 };

/** The version taken when none is named: the newest. */
export const DEFAULT_VERSION: BrokerVersion = '4.3';

/**
 * The profile of a release line.
 *
 * @throws {TypeError} when the version is not one of '3.10', '4.0', '4.3'
 */
export function versionProfile(version: BrokerVersion = DEFAULT_VERSION): VersionProfile {
  if (!Object.hasOwn(PROFILES, version)) {
    throw new TypeError(`version: expected one of '3.10', '4.0', '4.3'; received ${JSON.stringify(version)}`);
  }
  return PROFILES[version];
}
