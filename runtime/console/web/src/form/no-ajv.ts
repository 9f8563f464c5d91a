// Stands for a validator that compiles schemas to code. Only a helper for tests of the form library asks for it, and the page's
// policy would not let it run.

export default {};
