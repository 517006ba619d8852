// ONNX Runtime 1.30 sends usage events to Microsoft unless it is told not to before it is loaded, and keeps files for that in the
// temporary folder. Imported before it. Whoever wants to send them sets ORT_DISABLE_TELEMETRY=0.
process.env["ORT_DISABLE_TELEMETRY"] ??= "1";
