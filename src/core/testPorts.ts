// A port for tests of what happens when the server is not there.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

/**
 * A port of 127.0.0.1 at which nobody listens until the test is over, and nobody else can begin to: it is the near end of
 * a connection that is held open. That end names its address, thus its port is never given to an outgoing connection
 * either, which could otherwise reach itself there.
 */
export async function deadPort(t: TestContext): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const near = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.1" });
  const [[far]] = await Promise.all([accepted, once(near, "connect")]);
  t.after(() => {
    near.destroy();
    far.destroy();
    listener.close();
  });
  return (near.address() as AddressInfo).port;
}
