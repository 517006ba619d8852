// Which shapes a tensor may have for its elements, and sparse matrices made dense: soft targets of few tokens a position
// may come as compressed sparse rows (CSR).
import { ProtocolError, type WireTensor } from "./wire.ts";

const MAX_RANK = 8;
/** Elements that one message may make of sparse matrices: 64 MB. Their size is not paid for in bytes sent. */
const MAX_DENSE_ELEMENTS = 1 << 24;

/** How many elements are left to a message. */
export interface DenseBudget {
  left: number;
}

export function denseBudget(): DenseBudget {
  return { left: MAX_DENSE_ELEMENTS };
}

/** @throws ProtocolError unless `shape` holds `count` elements */
export function checkShape(shape: readonly number[], count: number, field: string): void {
  if (shape.length > MAX_RANK)
    throw new ProtocolError(field, `must have at most ${MAX_RANK} dimensions`, shape.length);
  const product = shape.reduce((n, size) => n * size, 1);
  if (product !== count)
    throw new ProtocolError(field, `its product must be the number of elements, ${count}`, shape);
}

/**
 * The dense form of a sparse matrix; what is not listed is 0.
 * @param crow where each row starts in `values`, and one more for the end
 * @param col the column of each value, ascending within its row
 */
export function densify(
  values: Omit<WireTensor, "shape">,
  crow: Int32Array,
  col: Int32Array,
  shape: readonly number[],
  field: string,
  budget: DenseBudget,
): WireTensor {
  const [rows, columns] = shape;
  if (shape.length !== 2 || rows === undefined || columns === undefined)
    throw new ProtocolError(`${field}.shape`, "must be [rows, columns] for a sparse matrix", shape);
  const count = values.data.length;
  if (crow.length !== rows + 1 || crow[0] !== 0 || crow[rows] !== count)
    throw new ProtocolError(
      `${field}.sparse_crow_indices`,
      `must be ${rows + 1} numbers from 0 to the number of values, ${count}`,
      [...crow.subarray(0, 21)],
    );
  if (col.length !== count)
    throw new ProtocolError(`${field}.sparse_col_indices`, `must be one per value, ${count}`, col.length);
  if (rows * columns > budget.left)
    throw new ProtocolError(
      `${field}.shape`,
      `sparse matrices of one request may come to ${MAX_DENSE_ELEMENTS} elements; send fewer sequences at once`,
      shape,
    );
  budget.left -= rows * columns;
  const data = values.dtype === "float32" ? new Float32Array(rows * columns) : new Int32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const start = crow[row] as number;
    const end = crow[row + 1] as number;
    if (end < start || end > count)
      throw new ProtocolError(
        `${field}.sparse_crow_indices[${row + 1}]`,
        `must be from ${start} to ${count}`,
        end,
      );
    for (let i = start; i < end; i++) {
      const column = col[i] as number;
      const least = i === start ? 0 : (col[i - 1] as number) + 1;
      if (column < least || column >= columns)
        throw new ProtocolError(
          `${field}.sparse_col_indices[${i}]`,
          `must be from ${least} to ${columns - 1}`,
          column,
        );
      data[row * columns + column] = values.data[i] as number;
    }
  }
  return { dtype: values.dtype, data, shape: [rows, columns] };
}
