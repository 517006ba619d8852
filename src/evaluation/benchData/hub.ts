// A data set on the Hugging Face Hub as @huggingface/hub reads it, with patience: requests that the hub or the network refuses for
// a while are made again, and what is refused for good is said with its remedy.
import { HubApiError, datasetInfo, downloadFile, listFiles } from "@huggingface/hub";
import { DataError } from "../../core/errors.ts";
import { answering, isInfo, isListing, type Shape } from "./hubShape.ts";
import { codeOf, type Patience, patientFetch } from "./patientFetch.ts";

export const HUB_URL = "https://huggingface.co";

export interface HubOptions extends Patience {
  /** Default: HUB_URL. */
  readonly hubUrl?: string;
  /** Branch, tag or commit; default: the main branch. */
  readonly revision?: string;
  readonly token?: string;
}

/** Bytes ended before the end of their file. */
export class Cut extends Error {}

export interface HubFile {
  /** In the repository. */
  readonly path: string;
  readonly size: number;
  /** In hexadecimal: of large files SHA-256, of others Git's SHA-1 of a blob; undefined when the hub does not tell. */
  readonly sha256: string | undefined;
  readonly gitSha1: string | undefined;
}

export class HubDataset {
  private constructor(
    readonly name: string,
    /** The commit that all is read of. */
    readonly revision: string,
    /** As the authors' card says. */
    readonly licence: string | undefined,
    private readonly options: HubOptions,
    private readonly stop: AbortController,
  ) {}

  /** @throws DataError when the hub cannot be reached, or has no such data set for this token */
  static async open(name: string, options: HubOptions): Promise<HubDataset> {
    const stop = new AbortController();
    const info = await explained(name, options, () =>
      datasetInfo({
        name,
        ...clientOptions(options, stop.signal, isInfo),
        ...(options.revision !== undefined && { revision: options.revision }),
        additionalFields: ["cardData", "sha"],
      }),
    );
    const { sha, cardData } = info as { sha?: string; cardData?: { license?: string | string[] } };
    const licence = [cardData?.license ?? []].flat().join(", ");
    return new HubDataset(
      name,
      sha ?? options.revision ?? "main",
      licence === "" ? undefined : licence,
      options,
      stop,
    );
  }

  get page(): string {
    return `${this.options.hubUrl ?? HUB_URL}/datasets/${this.name}`;
  }

  /** All files, in the order of their paths. @throws DataError */
  async files(): Promise<readonly HubFile[]> {
    return explained(this.name, this.options, async () => {
      const files: HubFile[] = [];
      const listing = listFiles({
        repo: { type: "dataset", name: this.name },
        recursive: true,
        revision: this.revision,
        ...clientOptions(this.options, this.stop.signal, isListing),
      });
      for await (const { type, path, size, oid, lfs } of listing) {
        if (type !== "file") continue;
        // The listing may give "sha256:" before it.
        const sha256 = lfs?.oid.replace(/^sha256:/, "");
        const gitSha1 = lfs === undefined ? oid : undefined;
        files.push({ path, size: lfs?.size ?? size, sha256, gitSha1 });
      }
      return files.sort((a, b) => (a.path < b.path ? -1 : 1));
    });
  }

  /**
   * Bytes from `start` on. By plain HTTP ranges also where the hub has its newer protocol (Xet): a range can be gone on with
   * at any byte.
   * @throws Cut when they end too early, and may be gone on with; DataError for what the hub refuses
   */
  async *read(file: HubFile, start: number): AsyncGenerator<Uint8Array, void, undefined> {
    // The client hands on no more of a failed request than its text.
    let refused: unknown;
    const request = patientFetch(this.options, this.stop.signal);
    const watched: typeof fetch = async (input, init) => {
      try {
        const response = await request(input, init);
        if (!response.ok) throw new HubApiError(response.url, response.status);
        if (start > 0 && response.status !== 206)
          throw new DataError(
            `${file.path}: ${response.url} sends no parts of files: take its .part away to begin again`,
          );
        return response;
      } catch (error) {
        refused = error;
        throw error;
      }
    };
    const address = file.path.split("/").map(encodeURIComponent).join("/");
    const blob = await downloadFile({
      repo: { type: "dataset", name: this.name },
      path: file.path,
      revision: this.revision,
      xet: false,
      // What the listing told saves a request a file.
      downloadInfo: {
        size: file.size,
        etag: file.sha256 ?? file.gitSha1 ?? "",
        url: `${this.page}/resolve/${encodeURIComponent(this.revision)}/${address}`,
      },
      ...clientOptions(this.options, this.stop.signal),
      fetch: watched,
    });
    if (blob === null) throw new DataError(`${this.name}: has no file ${file.path}`);
    const reader = (blob.slice(start, file.size).stream() as ReadableStream<Uint8Array>).getReader();
    try {
      for (;;) {
        const { done, value } = await this.within(reader.read());
        if (done) return;
        yield value;
      }
    } catch (error) {
      if (refused !== undefined) throw explain(this.name, this.options, refused);
      if (this.stop.signal.aborted) throw this.stop.signal.reason;
      throw new Cut(error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      await reader.cancel().catch(() => {});
    }
  }

  /** A connection that nothing comes from any more counts as cut. */
  private async within<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      const { silenceMs = 60_000 } = this.options;
      timer = setTimeout(() => reject(new Error(`nothing came for ${silenceMs / 1000} s`)), silenceMs);
    });
    try {
      return await Promise.race([work, silence]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Requests under way end with an error, and no others are made. */
  close(): void {
    this.stop.abort(new DataError(`${this.name}: the download was stopped`));
  }
}

interface ClientOptions {
  readonly hubUrl: string;
  readonly fetch: typeof fetch;
  readonly accessToken?: string;
}

/** @param shape what answers must be; of files there is none */
function clientOptions(options: HubOptions, signal: AbortSignal, shape?: Shape): ClientOptions {
  const { hubUrl = HUB_URL, token } = options;
  const request = patientFetch(options, signal);
  return {
    hubUrl,
    fetch: shape === undefined ? request : answering(request, shape, hubUrl),
    ...(token !== undefined && { accessToken: token }),
  };
}

/** @throws DataError instead of what the client and fetch throw */
async function explained<T>(dataset: string, options: HubOptions, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw explain(dataset, options, error);
  }
}

/** What a failed request means. */
export function explain(
  dataset: string,
  { hubUrl = HUB_URL, revision, token }: HubOptions,
  error: unknown,
): Error {
  if (error instanceof DataError) return error;
  const failed = (why: string): DataError => new DataError(`${dataset}: ${why}`, { cause: error });
  if (error instanceof HubApiError) {
    const page = `${hubUrl}/datasets/${dataset}`;
    const status = error.statusCode;
    if (status === 401 || status === 403)
      return failed(
        `the hub refuses it (${status}): its authors may ask to accept terms at ${page} first; ` +
          (token === undefined
            ? "then set HF_TOKEN to a token of yours (--token-env names another variable)"
            : "the token given does not open it: is it of the account that accepted them, and may it read gated repositories?"),
      );
    if (status === 404)
      return failed(
        `the hub has no such data set${revision === undefined ? "" : ` or revision ${JSON.stringify(revision)}`} (404): see ${page}`,
      );
    if (status === 429)
      return failed("the hub takes no more requests for now (429): try again in some minutes");
    return failed(`the hub answers with status ${status}: try again later`);
  }
  const code = codeOf(error);
  if (code !== undefined || (error instanceof TypeError && /fetch|terminated/.test(error.message)))
    return failed(
      `${hubUrl} cannot be reached (${code ?? (error as Error).message}): is there a network? ` +
        "Files fetched elsewhere can be evaluated by their path",
    );
  return error instanceof Error ? error : failed(String(error));
}
