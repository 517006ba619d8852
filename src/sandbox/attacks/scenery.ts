// What an attack of the suite may find on the host: secrets in files, in the environment and in memory, files whose
// content must stay, and servers that count who knocks. Every attack has its own, so that a knock has one author.
import { createSocket } from "node:dgram";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { homedir, hostname, tmpdir } from "node:os";
import { join } from "node:path";

/** Written so that no attack's own text holds it: programs look for `'CN' + 'RY-'`. */
const CANARY = ["CN", "RY-"].join("");
export const canary = (name: string): string => `${CANARY}${name}-${randomBytes(8).toString("hex")}`;
export const CANARY_TEXT = new RegExp(`${CANARY}[a-z]+-[0-9a-f]{6}`);

/** Secrets that the whole host process has, as a trainer has its keys and answers. */
export class HostSecrets {
  /** As the answers of a data set lie in a trainer's memory. */
  readonly groundTruth = canary("heap");
  readonly homeFile = join(homedir(), `.canary-${process.pid}-${randomBytes(3).toString("hex")}`);

  constructor() {
    process.env["CANARY_API_KEY"] = canary("env");
    this.restore();
  }

  /** An attack that got through may have taken the file away: the next one finds it again. */
  restore(): void {
    if (!existsSync(this.homeFile)) writeFileSync(this.homeFile, canary("home"), { mode: 0o600 });
  }

  remove(): void {
    delete process.env["CANARY_API_KEY"];
    rmSync(this.homeFile, { force: true });
  }
}

export class Scenery {
  readonly #folder = mkdtempSync(join(tmpdir(), "scenery-"));
  /** In the names of all that the attack may plant. */
  readonly #tag = `t${randomBytes(6).toString("hex")}`;
  readonly #hashes = new Map<string, string>();
  readonly #knocks: string[] = [];
  readonly #closers: (() => void)[] = [];
  readonly #values = new Map<string, string>();

  private constructor() {}

  static async build(secrets: HostSecrets, python: string): Promise<Scenery> {
    secrets.restore();
    const scenery = new Scenery();
    await scenery.#build(secrets, python);
    return scenery;
  }

  /** The text with every `@name@` replaced by what the scenery has under this name. */
  fill(text: string): string {
    return text.replace(/@([a-z]+)@/g, (whole, name: string) => this.#values.get(name) ?? whole);
  }

  /** One sentence for everything that was touched: changed files, connections, planted files. */
  damage(absent: readonly string[] = []): string[] {
    const changed = [...this.#hashes]
      .filter(([path, hash]) => !existsSync(path) || sha256(path) !== hash)
      .map(([path]) => `the host's file ${path} was changed`);
    const planted = [...absent, "/tmp/@tag@", "/var/tmp/@tag@", "/dev/shm/@tag@", "@home@/@tag@"]
      .map((path) => this.fill(path))
      .filter((path) => existsSync(path));
    for (const path of planted) rmSync(path, { recursive: true, force: true });
    return [...changed, ...this.#knocks, ...planted.map((path) => `the host has a new file ${path}`)];
  }

  remove(): void {
    for (const close of this.#closers) close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #build(secrets: HostSecrets, python: string): Promise<void> {
    const at = (name: string): string => join(this.#folder, name);
    mkdirSync(at("data"));
    writeFileSync(at("data/img.png"), randomBytes(512));
    writeFileSync(at("secret.txt"), canary("file"), { mode: 0o644 });
    writeFileSync(at("data/slip.txt"), "not yours");
    for (const name of ["data/img.png", "secret.txt", "data/slip.txt"])
      this.#hashes.set(at(name), sha256(at(name)));
    this.#hashes.set(secrets.homeFile, sha256(secrets.homeFile));
    const tcp = this.#counting("TCP", (server) => server.listen(0, "127.0.0.1"));
    const unix = this.#counting("unix", (server) => server.listen(at("judge.sock")));
    const abstract = this.#counting("abstract unix", (server) => server.listen(`\0judge-${this.#tag}`));
    const udp = createSocket("udp4").on("message", () => this.#knocks.push("the UDP server got a datagram"));
    this.#closers.push(() => udp.close());
    udp.unref();
    await Promise.all([
      ...[tcp, unix, abstract].map((server) => new Promise((resolve) => server.once("listening", resolve))),
      new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve)),
    ]);
    const values: Record<string, string> = {
      folder: this.#folder,
      image: at("data/img.png"),
      secret: at("secret.txt"),
      data: at("data"),
      socket: at("judge.sock"),
      abstract: `judge-${this.#tag}`,
      tcp: String((tcp.address() as AddressInfo).port),
      udp: String(udp.address().port),
      home: homedir(),
      homefile: secrets.homeFile,
      hostname: hostname(),
      hostpid: String(process.pid),
      project: process.cwd(),
      python,
      tag: this.#tag,
    };
    for (const [name, value] of Object.entries(values)) this.#values.set(name, value);
  }

  #counting(kind: string, listen: (server: Server) => Server): Server {
    const server = createServer((socket) => {
      this.#knocks.push(`the ${kind} server got a connection`);
      socket.on("error", () => undefined);
      socket.end("hello\n");
    });
    this.#closers.push(() => server.close());
    server.unref();
    return listen(server);
  }
}

const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
