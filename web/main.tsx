// The page begins here.
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/pages.css";
import "./style/trajectory.css";
import { render } from "preact";
import { App } from "./App.tsx";
import { start } from "./data/state.ts";

render(<App />, document.getElementById("page") as HTMLElement);
void start();
