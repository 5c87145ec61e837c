/** Messages that the connection handles itself. */
import type { Arrived, Message } from "./messages.ts";

/** Whether it is one of the two hellos, which have no place after the greeting. */
export function isHello(message: Message): boolean {
  return message.type === "hello.client" || message.type === "hello.server";
}

/** Whether it is for the connection's owner: neither a sign of life nor a hello. */
export function isOrdinary({ message }: Arrived): boolean {
  return message.type !== "ping" && message.type !== "pong" && !isHello(message);
}
