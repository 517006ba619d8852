// Numbers of which a data set may have millions, 8 bytes each: an array of numbers would take as much again while it grows,
// and boxes what is above 2^31.

export class NumberList {
  private values = new Float64Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = new Float64Array(2 * this.length);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  /** @throws RangeError when index is not an integer in [0, length) */
  at(index: number): number {
    const value = index < this.length ? this.values[index] : undefined;
    if (value === undefined)
      throw new RangeError(`index must be an integer in [0, ${this.length}), got ${index}`);
    return value;
  }
}
