// `validatorUrl: null`: Swagger UI would otherwise show the document to a validator elsewhere.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  displayOperationId: true,
  validatorUrl: null,
});
