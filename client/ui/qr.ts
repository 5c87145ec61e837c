/** QR codes on a terminal. */
import { qrRows, type QrStyle } from "../../lib/base/qr_rows.ts";

/** Modules of light around a code (ISO/IEC 18004 section 9.1). */
const quietZone = 4;

/** A QR code of `text`, line by line. The encoder is loaded at first use. */
export async function qrLines(text: string, style: QrStyle): Promise<string[]> {
  const { encode } = await import("uqr");
  return qrRows(encode(text, { border: quietZone }).data, style);
}

/** The QR code of a safety number: its 60 digits without spaces. */
export function safetyQr(safetyNumber: string, style: QrStyle): Promise<string[]> {
  return qrLines(safetyNumber.replaceAll(/\D/g, ""), style);
}
