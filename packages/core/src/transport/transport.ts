import type { Message, Publication } from '../message/message.js';
import type { WaitRecord } from '../message/wait-record.js';
import type { Topology } from '../topology/topology.js';

/** What is known of the broker once a connection stands. */
export interface BrokerFacts {
  /** `RabbitMQ` for RabbitMQ; others name themselves. */
  readonly product: string;
  /** Such as `3.10.8`. */
  readonly version: string;
  /** Largest frame in bytes that both sides agreed on. */
  readonly frameMax: number;
}

/** One arrival of a message at a consumer. */
export interface Delivery {
  readonly message: Message;
  /** Queue it was taken from. */
  readonly queue: string;
  readonly deliveryTag: number;
  readonly consumerTag: string;
  /** The channel it arrived on: the only one on which it can be settled. */
  readonly channel: DeliveryChannel;
  /** When it arrived, in milliseconds since the epoch. */
  readonly receivedAt: number;
  /** What is known of a message that has waited at the broker and come back. Set by the consumer, not by the transport. */
  readonly waited?: WaitRecord | undefined;
}

/**
 * Settles deliveries on the channel that brought them. Every method answers whether a frame was sent, or leaves before any
 * other of its channel: `false` means that the channel is gone, that nothing was sent, and that the broker delivers the
 * message again by itself. None of them throws.
 */
export interface DeliveryChannel {
  readonly isOpen: boolean;
  /** `basic.ack`, together with others that are finished in the same turn of the event loop. */
  ack(deliveryTag: number): boolean;
  /** `basic.reject`: a failed attempt. On RabbitMQ 4.3 only this counts towards the delivery limit. */
  reject(deliveryTag: number, requeue: boolean): boolean;
  /** `basic.nack` of this one delivery with requeue: given back without fault. */
  giveBack(deliveryTag: number): boolean;
}

/**
 * A place in a stream: an offset, or seconds since the epoch.
 * @see https://www.rabbitmq.com/docs/streams#consuming
 */
export type StreamStart = { readonly offset: number } | { readonly timestamp: number };

/** Everything `basic.consume` needs. */
export interface ConsumeRequest {
  readonly queue: string;
  /** Unsettled deliveries the broker may have outstanding at this consumer; 0 means no limit. */
  readonly prefetch: number;
  /** The broker forgets messages as it sends them. */
  readonly noAck: boolean;
  /** How many acks may wait to leave together, at most until the end of this turn of the event loop. From 1, the default. */
  readonly messagesPerAck?: number;
  readonly exclusive: boolean;
  /** Consumer priority (`x-priority`), when given. */
  readonly priority: number | undefined;
  readonly arguments: Readonly<Record<string, unknown>>;
  /**
   * For a stream: where to consume from, asked each time that consuming begins; `undefined` for what `arguments` say.
   */
  readonly startAt?: (() => StreamStart | undefined) | undefined;
  /**
   * Cancelling sends no `basic.cancel`: the consumer keeps its place, and takes nothing more, until its channel is closed, and
   * what it has not settled is back in the queue before another consumer begins. Default `false`.
   */
  readonly handsOverAtClose?: boolean;
  /** Prefix of the consumer tag; the transport makes it unique. */
  readonly tagPrefix: string;
  /** A queue that is missing and that nobody declares: fail, or wait for it to appear. */
  readonly missingQueue: 'fail' | 'wait';
}

/** Why a subscription is not consuming at the moment. */
export type InterruptionCause =
  /** The connection went away. */
  | 'connection-lost'
  /** The broker closed the channel. */
  | 'channel-closed'
  /** The broker cancelled the consumer, as when its queue is deleted. What it delivered can still be settled. */
  | 'cancelled'
  /**
   * Deliveries were not settled within the broker's delivery acknowledgement timeout, and it took them back: up to
   * RabbitMQ 4.2 with the channel, from 4.3 on with the consumer. Its channel closes as soon as the sink has heard of it.
   */
  | 'delivery-timeout'
  /** The queue is not there. */
  | 'queue-missing'
  /** Another consumer has the queue for itself. */
  | 'queue-in-use'
  /** Declaring or consuming was refused for another reason. */
  | 'refused';

/** Receives what a subscription brings. No method may throw. */
export interface DeliverySink {
  deliver(delivery: Delivery): void;
  /** Consuming has begun, first or again. */
  consuming(consumerTag: string): void;
  /**
   * Consuming stopped; the transport is on its way to begin again. Deliveries still unsettled will come back.
   * @param timeoutMs how long the broker waits for a settlement, where it says so with `delivery-timeout`
   */
  interrupted(cause: InterruptionCause, error: Error | undefined, timeoutMs?: number): void;
  /** Consuming stopped for good (queue missing with `missingQueue: 'fail'`, access refused, credentials refused). */
  failed(error: Error): void;
}

/** A consumer that the transport keeps alive over channel and connection losses until it is cancelled. */
export interface Subscription {
  /** Resolves at the first `consume-ok`; rejects when it can never come, or when the subscription is cancelled before. */
  readonly ready: Promise<void>;
  /** Takes nothing more until {@link resume}: sends `basic.cancel`. The channel stays, and what came can be settled. */
  pause(): void;
  /** Begins again after {@link pause}, on the same channel while it lasts, with this prefetch from now on. */
  resume(prefetch: number): void;
  /** Sends `basic.cancel` and resolves at `cancel-ok` (or when the channel is gone). What was delivered can still be settled. */
  cancel(): Promise<void>;
  /** Cancels, flushes what was settled, and closes the channel. Unsettled deliveries go back to the queue. Never rejects. */
  close(): Promise<void>;
}

/** How one publish ended on the wire. */
export type PublishOutcome =
  /** `basic.ack`; `returned` is set when `basic.return` came before it: no queue has the message. */
  | { readonly kind: 'ack'; readonly returned: ReturnInfo | undefined }
  /** `basic.nack`. */
  | { readonly kind: 'nack'; readonly returned: ReturnInfo | undefined }
  /** The channel ended first. `closed` says how. */
  | { readonly kind: 'lost'; readonly closed: ChannelEnd };

/** What `basic.return` said. */
export interface ReturnInfo {
  /** 312 for NO_ROUTE. */
  readonly replyCode: number;
  readonly replyText: string;
  readonly message: Message;
}

/** How a channel ended. */
export type ChannelEnd =
  /** The broker closed this channel: an error of something sent on it. */
  | { readonly kind: 'channel-error'; readonly replyCode: number; readonly replyText: string; readonly error: Error }
  /** The whole connection went away. `replyCode` is what the broker closed it with, when it said why, such as 541. */
  | { readonly kind: 'connection-lost'; readonly error: Error | undefined; readonly replyCode?: number | undefined }
  /** We closed it. */
  | { readonly kind: 'closed' };

/** A channel in confirm mode (or not, for `confirms: 'none'`). */
export interface PublishChannel {
  readonly isOpen: boolean;
  /**
   * Writes a message. `settled` is called exactly once, never from within this call: at the confirm, or when the
   * channel ends. Without confirm mode it is called when the message was handed to the socket.
   * @returns false when the write buffer is full: wait for {@link drained} before the next
   * @throws {TypeError|RangeError} when the message cannot be encoded (for example headers larger than a frame); nothing was sent
   */
  publish(publication: Publication, settled: (outcome: PublishOutcome) => void): boolean;
  /** Resolves when the write buffer has room, or when the channel ends. */
  drained(): Promise<void>;
  /**
   * Called for a returned message that belongs to no publish in flight: without confirm mode publishes are settled before
   * their returns come. One listener; a transport may leave this out.
   */
  onUnclaimedReturn?(listener: (returned: ReturnInfo) => void): void;
  /** Called once, after every pending `settled`, when the channel has ended. */
  onEnd(listener: (end: ChannelEnd) => void): void;
  /** Closes the channel; pending publishes settle as lost. Never rejects. */
  close(): Promise<void>;
}

/** A consumer of `amq.rabbitmq.reply-to` together with the channel requests must be published on. */
export interface ReplyChannel extends PublishChannel {
  onReply(listener: (message: Message) => void): void;
}

/** What happened to a connection. */
export type ConnectionEvent =
  | {
      readonly type: 'connected';
      readonly role: ConnectionRole;
      readonly host: string;
      readonly broker: BrokerFacts;
      readonly again: boolean;
    }
  | { readonly type: 'disconnected'; readonly role: ConnectionRole; readonly error: Error | undefined }
  | {
      readonly type: 'connect-failed';
      readonly role: ConnectionRole;
      readonly host: string;
      readonly error: Error;
      readonly retryInMs: number;
    }
  /** A living connection did not get another password or token before the old one ends; it is tried again. */
  | {
      readonly type: 'secret-not-renewed';
      readonly role: ConnectionRole;
      readonly error: Error;
      readonly retryInMs: number;
    }
  | { readonly type: 'blocked'; readonly role: ConnectionRole; readonly reason: string }
  | { readonly type: 'unblocked'; readonly role: ConnectionRole }
  /** The consumers of a queue ended the common connection twice: they have one of their own from now on. */
  | {
      readonly type: 'queue-suspected';
      readonly role: ConnectionRole;
      readonly queue: string;
      readonly error: Error | undefined;
    }
  /** A declaration was refused; `fatal` when the start was stopped because of it. */
  | { readonly type: 'declare-failed'; readonly role: ConnectionRole; readonly error: Error; readonly fatal: boolean }
  /**
   * Something a person should know: that something was declared differently from what was asked, such as a lazy queue where
   * the broker knows no lazy queues; with `warn`, that an option makes the connection less safe than it seems.
   */
  | { readonly type: 'notice'; readonly text: string; readonly level?: 'info' | 'warn' };

/** Consuming and publishing have a connection each: a blocked publisher must not stop consumers. */
export type ConnectionRole = 'consume' | 'publish';

/** State of one connection as shown by health checks. */
export interface ConnectionHealth {
  readonly role: ConnectionRole;
  readonly state: 'idle' | 'connecting' | 'connected' | 'waiting' | 'failed' | 'closed';
  readonly blocked: boolean;
  readonly host: string | undefined;
  readonly lastError: Error | undefined;
  /** The queue that has this connection for itself, because its consumers ended the common one twice. */
  readonly suspect?: string | undefined;
}

/** What the broker was asked, and has not answered, for `forMs` milliseconds. */
export type Unanswered = { readonly forMs: number } & (
  | {
      /** Nothing that is published there is confirmed: the oldest has no answer, or everything is nacked. */
      readonly kind: 'publish';
      readonly exchange: string;
      readonly routingKey: string;
      /** Nacks since the last confirm. */
      readonly nacks: number;
    }
  /** `basic.consume`, with what comes before it: the opening of its channel, and declaring its queue again. */
  | { readonly kind: 'consume'; readonly queue: string }
  /** A declaration, named for people, such as `queue "orders"`. */
  | { readonly kind: 'declare'; readonly name: string }
);

/** Options of {@link Transport.declare}. */
export interface DeclareOptions {
  /**
   * Whether the first connection goes on without something that the broker cannot give now, such as a queue whose node is
   * down. `undefined` asks about an exchange or a binding. It is declared when it can be. Default: it fails the connection.
   */
  readonly canWait?: (queue: string | undefined) => boolean;
}

/** What a look for an exchange came to. */
export interface ExchangeLook {
  /** Why it is not there, in the broker's words; `undefined` when it is. */
  readonly missing: { readonly error: Error; readonly replyText: string } | undefined;
}

/** What a broker adapter must do. `@leveret/amqplib` is one. */
export interface Transport {
  /**
   * Sets what is declared on every new connection: exchanges, then queues, then bindings. Must be called before
   * {@link connect}; later calls add to it and declare the addition at once when connected.
   */
  declare(topology: Topology, options?: DeclareOptions): Promise<void>;
  /**
   * Opens the connection of a role and declares the topology. Resolves when both are done; keeps trying within the
   * connect timeout unless the fault cannot mend itself (credentials, mismatch with `mismatch: 'fail'`).
   * @throws {LeveretError} LEV_CONNECTION_FAILED, LEV_AUTHENTICATION_REFUSED, LEV_TOPOLOGY_MISMATCH, LEV_TOPOLOGY_REFUSED
   */
  connect(role: ConnectionRole): Promise<void>;
  /** Starts a consumer that is kept alive until it is cancelled. Answers at once; see {@link Subscription.ready}. */
  subscribe(request: ConsumeRequest, sink: DeliverySink): Subscription;
  /**
   * Opens a channel on the publish connection, connecting when there is no connection (one try now, not a wait for the
   * next scheduled one).
   * @throws {LeveretError} LEV_PUBLISH_NOT_CONNECTED when there is none within `timeoutMs`; the cause says why
   */
  openPublishChannel(options: {
    readonly confirm: boolean;
    readonly timeoutMs: number;
    /** For messages that do not answer, or are refused: on another connection, where a transport can have one, beside all others. */
    readonly apart?: boolean;
  }): Promise<PublishChannel>;
  /** Like {@link openPublishChannel} in confirm mode, consuming direct replies on the same channel. */
  openReplyChannel(options: { readonly timeoutMs: number }): Promise<ReplyChannel>;
  /**
   * Looks whether an exchange is there, on a channel of its own, so that a name that is wrong does no harm to what is in flight
   * elsewhere. A transport may leave this out: then the publish itself shows it.
   * @throws {Error} when nobody can tell, as without a connection
   */
  lookForExchange?(name: string, timeoutMs: number): Promise<ExchangeLook>;
  /**
   * How many messages of a queue could be handed out now, asked on a channel of its own; `missing` when there is no such queue. A
   * transport may leave this out.
   * @throws {Error} when nobody can tell, as without a connection, or within `timeoutMs`
   */
  countMessages?(queue: string, timeoutMs: number): Promise<number | 'missing'>;
  /**
   * Whether a queue is as the topology declares it: the broker took the declaration. Not so one that was there before and is
   * only looked at (`declare: 'if-missing'`), or that is there with other properties. A transport may leave this out.
   */
  isAsDeclared?(queue: string): boolean;
  /**
   * Whether a queue has the rule of {@link QueueDeclaration.delayedRetry}: the broker itself holds back what is rejected there. A
   * transport may leave this out.
   */
  holdsBack?(queue: string): boolean;
  /**
   * Whether an exchange is declared as one that holds messages back: it returns what is mandatory although it delivers it later.
   * A transport may leave this out.
   */
  delays?(exchange: string): boolean;
  /** The publish connection is blocked by a resource alarm of the broker. */
  readonly publishBlocked: boolean;
  /** Facts of the broker connected last, if any. */
  readonly broker: BrokerFacts | undefined;
  health(): readonly ConnectionHealth[];
  /** Consumers and declarations that wait for an answer now. A transport whose broker always answers may leave this out. */
  unanswered?(): readonly Unanswered[];
  on(listener: (event: ConnectionEvent) => void): () => void;
  /** Closes both connections, within `timeoutMs`. Never rejects; can be called twice. */
  close(options: { readonly timeoutMs: number }): Promise<void>;
}
