// What can be refused without asking the server: as the embedded engine refuses it, with the rules that hold for every model.
import type { Codec } from "../../core/codec.ts";
import type { Datum } from "../../core/datum.ts";
import {
  checkDatums as checkDatumsOf,
  checkRequest as checkRequestOf,
  type KnownModel,
} from "../embedded/checkRequest.ts";
import type { SampleRequest } from "../engine.ts";

/** What the rules need to know of a model. Its vocabulary the server knows; pixels are those of `ViewImage`. */
function knownOf({ imagePadId }: Codec): KnownModel {
  return {
    vocabSize: 2 ** 31,
    imageTokenId: imagePadId,
    vision: { patchSize: 14, spatialMergeSize: 2 },
  };
}

/** @throws EngineError naming the sequence, the field, the rule and the value */
export function checkRequest(request: SampleRequest, codec: Codec): void {
  checkRequestOf(request, knownOf(codec));
}

/** @throws EngineError naming the datum by its position in the batch */
export function checkDatums(
  batch: readonly Datum[],
  codec: Codec,
  call: "forward" | "forwardBackward",
): void {
  checkDatumsOf(batch, knownOf(codec), call);
}
