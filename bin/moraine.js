#!/usr/bin/env node
import { prepareEngine } from "../dist/bundle/engine.js";

prepareEngine();
const { main } = await import("../dist/bundle/command.js");
process.exitCode = await main(process.argv.slice(2));
