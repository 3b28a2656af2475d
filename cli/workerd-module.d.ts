/** The npm package publishes no types. */
declare module "workerd" {
  /** The binary's path is `default`: Node sees a CommonJS module's exports as one object. */
  const workerd: { readonly default: string };
  export default workerd;
}
