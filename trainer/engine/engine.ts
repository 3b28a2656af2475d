/**
 * What runs symbolic programs on numbers. The training loop knows engines only through this.
 *
 * Parameters and their optimiser state live where the engine computes (a GPU's memory, say); the loop sees
 * them only when it asks for a copy.
 */

import type { Shape, Tensor } from "../autodiff/tensor.ts";

export type Numbers = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
export type NamedNumbers = Readonly<Record<string, Numbers>>;
/** float32 arrays by parameter name. */
export type ParameterValues = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

export interface Engine {
  /** As `--engine` spells it. */
  readonly name: string;
  /** A few words for people: what it runs on, with how many threads. */
  readonly description: string;
  /** Where its numbers live: on a `gpu` a run should do much and return little, on the `host` handing over costs nothing. */
  readonly device: "host" | "gpu";
  /** Places trainable parameters on the engine, with Adam's moments and an average of the weights. */
  createParameters(initial: readonly InitialParameter[], adam: AdamSettings): Promise<Parameters>;
  /** Compiles a program; `parameters` gives the values of its parameter leaves. */
  compile(program: Program, parameters?: ParameterSource): Promise<Executable>;
  /** Compiles one optimisation step of `loss` (a scalar) over all of `parameters`. */
  compileStep(loss: Tensor, parameters: Parameters, options?: StepOptions): Promise<TrainingStep>;
  dispose(): Promise<void>;
}

/** Outputs by name; their graphs' `input` leaves are what a run must feed. */
export type Program = Readonly<Record<string, Tensor>>;

export interface Executable {
  /** The returned arrays are overwritten by the next run; copy what must last. Not reentrant. */
  run(feeds: NamedNumbers): Promise<Record<string, Numbers>>;
  dispose(): Promise<void>;
}

export interface StepOptions {
  /** What the loss reads beside the parameters that the step trains, under other names. It stays as it is. */
  readonly reads?: Parameters;
  /** More that every step computes, before its update: from its gradients, say. */
  readonly outputs?: (gradients: StepGradients) => Program;
}

/** By name; what the loss doesn't depend on is left out. */
export interface StepGradients {
  /** Of the parameters that the step trains. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Of what is fed, as far as it is float32. */
  readonly inputs: ReadonlyMap<string, Tensor>;
}

export interface TrainingStep {
  /** How many batches a run takes best: on a GPU several steps at once save most of what a run costs. */
  readonly unroll: number;
  /**
   * One step a batch, in order: computes the loss and its gradients, then updates the parameters.
   *
   * @param batches any number of them; the same bits come out however they are divided among runs
   * @returns every step's loss before its update
   */
  run(batches: readonly Batch[]): Promise<number[]>;
  dispose(): Promise<void>;
}

export interface Batch {
  readonly feeds: NamedNumbers;
  readonly learningRate: number;
  /** Takes the step's outputs, by name; those that it doesn't name are dropped. */
  readonly into?: NamedNumbers;
}

export interface InitialParameter {
  readonly name: string;
  readonly shape: Shape;
  readonly values: Float32Array<ArrayBuffer>;
}

/** Source: Kingma & Ba 2015, "Adam". Weight decay is decoupled (Loshchilov & Hutter 2019). */
export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** The average moves by 1 − decay towards the weights at every step; 0 makes it follow them. */
  readonly averageDecay: number;
}

/** Which copy of the parameters a program reads. */
export interface ParameterSource {
  readonly parameters: Parameters;
  /** `average`: the exponential moving average, for sampling; `weights`: what is being trained. */
  readonly use: "weights" | "average";
}

export interface Parameters {
  readonly specs: readonly { readonly name: string; readonly shape: Shape }[];
  /** A copy of everything that training changes. */
  read(): Promise<ParameterState>;
  write(state: ParameterState): Promise<void>;
  /** Frees what they take on the engine; nothing that reads them can run any more. The engine's end does it too. */
  dispose(): Promise<void>;
}

export interface ParameterState {
  readonly weights: ParameterValues;
  readonly average: ParameterValues;
  readonly firstMoment: ParameterValues;
  readonly secondMoment: ParameterValues;
  /** Updates so far; Adam's bias correction depends on it. */
  readonly stepCount: number;
}
