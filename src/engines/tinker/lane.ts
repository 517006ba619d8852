// One thing after the other, in the order asked for. A server takes a model's requests in the order in which they arrive, so
// they are handed in one at a time; waiting for their results is not part of it.
export class Lane {
  private tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(task);
    this.tail = result.catch(() => undefined);
    return result;
  }
}
