import { testRounds } from "../homes/engines/rounds.ts";

testRounds(20, (line) => console.log(line));
