import { testRounds } from "../backends/engines/rounds.ts";

testRounds(20, (line) => console.log(line));
