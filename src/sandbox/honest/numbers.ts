// Mathematics and statistics.
import { py } from "../attacks/attack.ts";
import { type HonestProgram, program } from "./program.ts";

export const NUMBERS: readonly HonestProgram[] = [
  // x + 2y = 5, 3x + 4y = 11 has x = 1, y = 2; the determinant is -2; eigenvalues of [[2, 1], [1, 2]] are 1 and 3.
  program("linear algebra", [
    py`
      A = np.array([[1.0, 2], [3, 4]])
      print(np.linalg.solve(A, [5, 11]).round(9), round(np.linalg.det(A), 9), np.linalg.eigvalsh([[2, 1], [1, 2]]).round(9))
      u, s, v = np.linalg.svd(np.diag([3.0, 2.0])); print(s, np.linalg.matrix_rank(np.ones((3, 3))), np.linalg.inv(A).round(9).tolist())
    `,
    "[1. 2.] -2.0 [1. 3.]\n[3. 2.] 1 [[-2.0, 1.0], [1.5, -0.5]]\n",
  ]),
  program("fit of a polynomial", [
    "x = np.arange(6.0)\nc = np.polyfit(x, 2 * x**2 - 3 * x + 1, 2)\nprint(c.round(6), np.roots([1, -5, 6]).round(6), np.polyval([2, -3, 1], 2))",
    "[ 2. -3.  1.] [3. 2.] 3\n",
  ]),
  program("a circle by random points", [
    py`
      rng = np.random.default_rng(7)
      points = rng.random((200_000, 2))
      estimate = 4 * (np.hypot(*points.T) < 1).mean()
      print(abs(estimate - np.pi) < 0.02)
      import random
      random.seed(1); a = [random.randint(1, 6) for _ in range(5)]; random.seed(1); print(a == [random.randint(1, 6) for _ in range(5)])
    `,
    "True\nTrue\n",
  ]),
  // 1/3 + 1/6 = 1/2; the sum of 0.1 ten times is 1 in decimals only.
  program("fractions, decimals and big numbers", [
    py`
      from fractions import Fraction
      from decimal import Decimal, getcontext
      import math
      print(Fraction(1, 3) + Fraction(1, 6), sum([Decimal('0.1')] * 10) == 1, sum([0.1] * 10) == 1, math.comb(10, 3), math.gcd(84, 36))
      getcontext().prec = 30; print(Decimal(2).sqrt())
      print(2**100, math.isqrt(10**40), math.factorial(20))
    `,
    "1/2 True False 120 12\n1.41421356237309504880168872421\n1267650600228229401496703205376 100000000000000000000 2432902008176640000\n",
  ]),
  program("statistics", [
    "import statistics as s\nd = [2, 4, 4, 4, 5, 5, 7, 9]\nprint(s.mean(d), s.median(d), s.mode(d), s.pstdev(d), np.percentile(d, [25, 50, 75]))",
    "5 4.5 4 2.0 [4.  4.5 5.5]\n",
  ]),
  program("itertools and collections", [
    py`
      import itertools as it, collections as c
      print(list(it.combinations('abc', 2)), list(it.accumulate([1, 2, 3, 4])), list(it.islice(it.count(5, 5), 3)))
      print(c.Counter('mississippi').most_common(2), [(k, len(list(g))) for k, g in it.groupby('aabbb')], sorted(it.chain([3], [1])))
    `,
    "[('a', 'b'), ('a', 'c'), ('b', 'c')] [1, 3, 6, 10] [5, 10, 15]\n[('i', 4), ('s', 4)] [('a', 2), ('b', 3)] [1, 3]\n",
  ]),
  program("primes by a sieve, Fibonacci with a cache", [
    py`
      from functools import lru_cache, reduce
      sieve = np.ones(100, bool); sieve[:2] = False
      for n in range(2, 10):
          if sieve[n]: sieve[n * n::n] = False
      @lru_cache(maxsize=None)
      def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
      print(sieve.sum(), np.flatnonzero(sieve)[-1], fib(90), reduce(lambda a, b: a * b, range(1, 6)), fib.cache_info().misses)
    `,
    "25 97 2880067194370816120 120 91\n",
  ]),
  program("integration and interpolation", [
    "x = np.linspace(0, 1, 1001)\nprint(round(float(np.trapezoid(x**2, x) if hasattr(np, 'trapezoid') else np.trapz(x**2, x)), 5), np.interp(2.5, [2, 3], [10, 20]), np.cumsum([1, 2, 3]).tolist())",
    "0.33333 15.0 [1, 3, 6]\n",
  ]),
];
