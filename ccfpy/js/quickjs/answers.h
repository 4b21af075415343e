/* The answer that is read from what a handler returns (`ccfpy.js.extensions.request` says
   what it means), and the call of the handler. Part of engine.c. */

enum form { NO_BODY, BYTES_FORM, TEXT_FORM, JSON_FORM };

static JSValue refuse(JSContext *ctx, const char *what, JSValue *needs)
{
    JSValue text = JS_NewString(ctx, what), result = JS_EXCEPTION;

    if (!JS_IsException(text))
        result = JS_Call(ctx, needs[REFUSE], JS_UNDEFINED, 1, &text);
    JS_FreeValue(ctx, text);
    return result;
}

static enum form form_of(JSValueConst body)
{
    if (JS_IsUndefined(body))
        return NO_BODY;
    if (has_class(body, buffer_class))
        return BYTES_FORM;
    return JS_IsString(body) ? TEXT_FORM : JSON_FORM;
}

/* Put a result's body's form and the body; gives -1 with an exception. */
static int put_body(JSContext *ctx, JSValueConst result, JSValue *parts, JSValue *needs)
{
    JSValue body = JS_GetProperty(ctx, result, atoms[BODY]), written;
    enum form form = form_of(body);

    if (form == JSON_FORM && !JS_IsException(body)) {
        written = JS_Call(ctx, needs[WRITE_BODY], JS_UNDEFINED, 1, &body);
        JS_FreeValue(ctx, body);
        body = written;
        if (form_of(body) == BYTES_FORM)
            form = BYTES_FORM;
    }
    parts[0] = JS_NewInt32(ctx, form);
    parts[1] = body;
    return JS_IsException(body) ? -1 : 0;
}

static JSValue status_of(JSContext *ctx, JSValueConst result)
{
    JSValue status = JS_GetProperty(ctx, result, atoms[STATUS]);
    double number;

    if (JS_IsException(status) || JS_VALUE_GET_TAG(status) == JS_TAG_INT)
        return status;
    if (JS_IsNull(status) || JS_IsUndefined(status))
        return JS_UNDEFINED;
    if (JS_IsNumber(status)) {
        JS_ToFloat64(ctx, &number, status);
        if (number - number == 0 && __builtin_trunc(number) == number)
            return status;
    }
    JS_FreeValue(ctx, status);
    return JS_NewInt32(ctx, -1); /* no status */
}

static JSValue header_text(JSContext *ctx, JSValueConst headers, JSAtom name,
                           JSValue *needs)
{
    JSValue text, value = JS_GetProperty(ctx, headers, name);

    if (JS_IsString(value) || JS_IsException(value))
        return value;
    text = JS_Call(ctx, needs[WRITE_HEADER], JS_UNDEFINED, 1, &value);
    JS_FreeValue(ctx, value);
    return text;
}

/* The headers' names, if there are any; gives -1 with an exception. */
static int list_headers(JSContext *ctx, JSValueConst headers, JSPropertyEnum **listed,
                        uint32_t *count)
{
    *listed = NULL;
    *count = 0;
    if (JS_IsException(headers))
        return -1;
    if (!JS_IsObject(headers) || JS_IsFunction(ctx, headers))
        return 0;
    return JS_GetOwnPropertyNames(ctx, listed, count, headers,
                                  JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY);
}

#define BEFORE_HEADERS 3 /* form, body, status */
#define FEW 16

/* Leave parts of an answer where the embedder finds them when the call has ended. */
static JSValue leave_parts(uint32_t used, JSValue *parts)
{
    begin_row();
    for (uint32_t i = 0; i < used; i++)
        if (put_value(parts[i]))
            return JS_EXCEPTION;
    has_left_row = 1;
    return JS_UNDEFINED;
}

/* Answer with what a result says: form, body, status, names and values of headers.
   They are asked for in the order of CCF's own: body, headers, status. Where the call
   goes on, which may need the buffer, the host is told at once. */
static JSValue answer_with(JSContext *ctx, JSValueConst result, JSValue *needs,
                           int goes_on)
{
    JSValue few[FEW], *parts = few, headers, told = JS_EXCEPTION;
    JSPropertyEnum *listed = NULL;
    uint32_t count = 0, used = BEFORE_HEADERS;
    int failed;

    if (!JS_IsObject(result))
        return refuse(ctx, "not an object", needs);
    few[2] = JS_UNDEFINED;
    failed = put_body(ctx, result, few, needs) < 0;
    headers = failed ? JS_UNDEFINED : JS_GetProperty(ctx, result, atoms[HEADERS]);
    failed = failed || list_headers(ctx, headers, &listed, &count) < 0;
    if (!failed && count > (FEW - BEFORE_HEADERS) / 2) {
        parts = js_malloc(ctx, (BEFORE_HEADERS + 2 * count) * sizeof *parts);
        failed = !parts;
        if (failed)
            parts = few;
        memcpy(parts, few, BEFORE_HEADERS * sizeof *parts);
    }
    for (uint32_t i = 0; i < 2 * count && !failed; i++) {
        JSAtom name = listed[i / 2].atom;
        parts[used] = i % 2 ? header_text(ctx, headers, name, needs)
                            : JS_AtomToString(ctx, name);
        failed = JS_IsException(parts[used++]);
    }
    if (!failed)
        parts[2] = status_of(ctx, result);
    if (!failed && !JS_IsException(parts[2]))
        told = goes_on ? JS_Call(ctx, needs[ANSWER], JS_UNDEFINED, used, parts)
                       : leave_parts(used, parts);
    for (uint32_t i = 0; i < used; i++)
        JS_FreeValue(ctx, parts[i]);
    if (parts != few)
        js_free(ctx, parts);
    if (listed)
        JS_FreePropertyEnum(ctx, listed, count);
    JS_FreeValue(ctx, headers);
    return told;
}

/* What is told a promise's result. */
static JSValue answer_later(JSContext *ctx, JSValueConst this, int count,
                            JSValueConst *arguments, int magic, JSValue *needs)
{
    return answer_with(ctx, count ? arguments[0] : JS_UNDEFINED, needs, 1);
}

/* Of a handler and a request as the host describes it: calls the one with the other,
   and answers with its result, or will. */
static JSValue serve(JSContext *ctx, JSValueConst this, int count,
                     JSValueConst *arguments, int magic, JSValue *needs)
{
    JSValue request, given[2], done;
    size_t size;
    uint8_t *bytes = JS_GetArrayBuffer(ctx, &size, arguments[1]);
    int is_promise;

    request = bytes ? request_of(ctx, (void *)bytes, needs) : JS_EXCEPTION;
    if (JS_IsException(request))
        return JS_EXCEPTION;
    given[0] = JS_Call(ctx, arguments[0], JS_UNDEFINED, 1, &request);
    JS_FreeValue(ctx, request);
    if (JS_IsException(given[0]))
        return JS_EXCEPTION;
    is_promise = JS_IsInstanceOf(ctx, given[0], needs[PROMISE]);
    if (is_promise > 0) {
        given[1] = JS_NewCFunctionData(ctx, answer_later, 1, 0, SERVER_NEEDS, needs);
        done = JS_IsException(given[1])
                   ? JS_EXCEPTION
                   : JS_Call(ctx, needs[LATER], JS_UNDEFINED, 2, given);
        JS_FreeValue(ctx, given[1]);
    } else {
        done = is_promise < 0 ? JS_EXCEPTION : answer_with(ctx, given[0], needs, 0);
    }
    JS_FreeValue(ctx, given[0]);
    return done;
}

/* Of what `enum need` lists. */
static JSValue make_server(JSContext *ctx, JSValueConst this, int count,
                           JSValueConst *arguments)
{
    return JS_NewCFunctionData(ctx, serve, 2, 0, SERVER_NEEDS, arguments);
}
