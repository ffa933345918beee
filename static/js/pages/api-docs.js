// Starts Swagger UI; calls from the page go with the session, so writes need the CSRF token.
const element = document.getElementById("swagger-ui");

window.SwaggerUIBundle({
  url: element.dataset.schemaUrl,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null,
  requestInterceptor(request) {
    if (request.method && request.method !== "GET") {
      request.headers["X-CSRFToken"] = element.dataset.csrfToken;
    }
    return request;
  },
});
