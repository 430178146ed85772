import { testRounds } from "../homes/engines/rounds.ts";

testRounds(20);
