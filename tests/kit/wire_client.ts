/** A client at the level of the wire: real TLS, frames and signatures, but no engine, no MLS and no profile. */
import { toBase64url } from "../../lib/base/bytes.ts";
import { randomId } from "../../lib/base/ids.ts";
import { issueDeviceCertificate } from "../../lib/crypto/certificate.ts";
import { generateSigningKey, type SigningKey } from "../../lib/crypto/sign.ts";
import { Requests } from "../../lib/wire/client_requests.ts";
import type { ArrivedEvent, NewRequest } from "../../lib/wire/client_requests.ts";
import { Connection } from "../../lib/wire/connection.ts";
import type { Arrived, EventType, RequestType } from "../../lib/wire/messages.ts";
import { dial, type PinnedServer } from "../../lib/wire/tls.ts";
import * as cheap from "./cheap_password.ts";

/** An account of a test. */
export interface TestAccount {
  readonly name: string;
  readonly password: string;
  readonly id: string;
  readonly key: SigningKey;
}

/** A new account that no server knows yet. */
export function newAccount(name: string, password = `${name}'s good password`): TestAccount {
  return { name, password, id: randomId(), key: generateSigningKey() };
}

/** How to connect. */
export interface ClientOptions {
  readonly device?: SigningKey;
  /** The process that this session belongs to. */
  readonly instance?: string;
  /** Whether it wants live events; it does by default. */
  readonly receive?: boolean;
}

/** Longer than anything takes on a busy machine, in milliseconds; only a failure waits for it. */
const patienceMs = 60_000;

/** One connection. Use with `await using`. */
export class WireClient implements AsyncDisposable {
  readonly server: PinnedServer;
  readonly device: SigningKey;
  readonly instance: string;
  readonly receive: boolean;
  readonly connection: Connection;
  readonly requests: Requests;
  /** Events that nobody has asked for yet. */
  readonly events: ArrivedEvent[] = [];
  /** Why the connection ended; undefined as long as it is open or when it ended cleanly. */
  reason: Error | undefined;
  readonly closed: Promise<Error | undefined>;
  /** Whoever waits for an event; several may at once. */
  readonly #waiting = new Set<() => void>();

  private constructor(
    server: PinnedServer,
    connection: Connection,
    options: ClientOptions & { device: SigningKey },
  ) {
    this.server = server;
    this.device = options.device;
    this.instance = options.instance ?? randomId();
    this.receive = options.receive ?? true;
    this.connection = connection;
    const closed = Promise.withResolvers<Error | undefined>();
    this.closed = closed.promise;
    this.requests = new Requests(connection, {
      onEvent: (event) => {
        this.events.push(event);
        this.#wake();
      },
      onClosed: (reason) => {
        this.reason = reason;
        closed.resolve(reason);
        this.#wake();
      },
    });
  }

  /** Connects; the session is open, not logged in. */
  static async connect(server: PinnedServer, options: ClientOptions = {}): Promise<WireClient> {
    const transport = await dial(server);
    const device = options.device ?? generateSigningKey();
    const connection = await Connection.open(transport, {
      device,
      facts: { software: "test", role: "client" },
      expectIdentity: server.identity,
    });
    return new WireClient(server, connection, { ...options, device });
  }

  /** The device key as the protocol writes it. */
  get deviceText(): string {
    return toBase64url(this.device.publicKey);
  }

  request<T extends RequestType>(message: NewRequest<T>, body?: Uint8Array | Uint8Array[]) {
    return this.requests.request<T>(message, body, { timeoutMs: patienceMs });
  }

  /** The certificate of this device for `account`, base64url. */
  certificate(account: TestAccount): string {
    return toBase64url(
      issueDeviceCertificate({
        name: account.name,
        accountId: account.id,
        serverKey: this.server.identity,
        accountKey: account.key,
        deviceKey: this.device.publicKey,
        createdAt: Date.now(),
      }).bytes,
    );
  }

  /** Registers the account with this device; the session is ready then. */
  async register(account: TestAccount) {
    const { name, password } = account;
    const { state, request } = await cheap.startRegistration(password);
    const started = await this.request({ type: "account.register.start", name, request });
    const { response } = started.message;
    const parties = { name, serverKey: this.server.identity };
    const vault = crypto.getRandomValues(new Uint8Array(200));
    const finished = await this.request({
      type: "account.register.finish",
      name,
      record: cheap.finishRegistration({ ...parties, password, state, response }),
      certificate: this.certificate(account),
      label: "test",
      ...this.arrival,
      body: vault.length,
    }, vault);
    return finished.message;
  }

  /** Logs in by password; the session may then enrol. Rejects with what the server answers. */
  async logIn({ name, password }: Pick<TestAccount, "name" | "password">) {
    const { state, request } = await cheap.startLogin(password);
    const started = await this.request({ type: "account.login.start", name, request });
    const parties = { name, serverKey: this.server.identity };
    const { response } = started.message;
    const proof = cheap.finishLogin({ ...parties, password, state, response });
    // A real client knows here that the password is wrong; what the server says to a false proof is what tests ask.
    const finish = proof ?? toBase64url(crypto.getRandomValues(new Uint8Array(64)));
    return await this.request({ type: "account.login.finish", finish });
  }

  /** After `logIn`: adds this device to the account; the session is ready then. */
  async enrol(account: TestAccount) {
    const certificate = this.certificate(account);
    const message = { type: "device.enrol", certificate, label: "test", ...this.arrival } as const;
    return (await this.request(message)).message;
  }

  /** Logs in as a known device; the session is ready then. */
  async logInDevice() {
    return (await this.request({ type: "account.login.device", ...this.arrival })).message;
  }

  /** The next event of `type` (for which `wanted` holds), waiting for it; others stay. */
  async event<T extends EventType>(
    type: T,
    wanted: (arrived: Arrived<T>) => boolean = () => true,
  ): Promise<Arrived<T>> {
    const due = AbortSignal.timeout(patienceMs);
    const wake = () => this.#wake();
    due.addEventListener("abort", wake);
    try {
      for (;;) {
        const at = this.events.findIndex((event) => isOf(event, type) && wanted(event));
        const found = at < 0 ? undefined : this.events.splice(at, 1)[0];
        if (found !== undefined && isOf(found, type)) return found;
        if (due.aborted) throw new Error(`no ${type} event came`);
        if (this.reason !== undefined) throw this.reason;
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    } finally {
      due.removeEventListener("abort", wake);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.requests.close();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const go of waiting) go();
  }

  private get arrival() {
    return { instance: this.instance, receive: this.receive };
  }
}

function isOf<T extends EventType>(event: Arrived, type: T): event is Arrived<T> {
  return event.message.type === type;
}
