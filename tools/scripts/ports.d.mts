/** Types of ports.mjs. */

/** Whether an AMQP 0-9-1 broker answers: an open port is not enough. */
export declare function speaksAmqp(host: string, port: number, timeoutMs?: number): Promise<boolean>;
/** Whether anything accepts a TCP connection there. */
export declare function accepts(host: string, port: number, timeoutMs?: number): Promise<boolean>;
/** Ports on loopback that nobody listens on and no outgoing connection is given. */
export declare function freePorts(count: number): Promise<number[]>;
