/* The request that a handler is called with (`ccfpy.js.extensions.request` says what it
   means). Part of engine.c. */

#define BODY_KEPT 4096
#define IS_JSON 0x80000000u /* in a text's length */
#define NO_CALLER 0xffffffffu
enum { HAS_HOST = 1, HAS_SIGNED = 2, HAS_USUAL = 4 }; /* flags of a request */

enum { TEXT_BODY, JSON_BODY, BUFFER_BODY, BODY_READERS };

/* What `server` is given. */
enum need {
    ANSWER, REFUSE, /* of the host */
    PARSE, PROMISE, SIGN, WRITE_BODY, WRITE_HEADER, LATER,
    READERS, SERVER_NEEDS = READERS + BODY_READERS
};

static const char *const names[] = {
    "headers", "query", "path", "method", "hostname", "route", "url", "params", "body",
    "caller", "text", "json", "arrayBuffer", "statusCode", "cert", "data", "id",
    "policy",
};
enum name {
    HEADERS, QUERY, PATH, METHOD, HOSTNAME, ROUTE, URL, PARAMS, BODY, CALLER,
    TEXT_READER, JSON_READER, BUFFER_READER, STATUS, CERT, DATA, ID, POLICY, NAMES
};
static JSAtom atoms[NAMES];

/* In the order in which guests find them. */
static const enum name request_names[] = {
    HEADERS, QUERY, PATH, METHOD, HOSTNAME, ROUTE, URL, PARAMS, BODY, CALLER,
};
static const enum name reader_names[] = { TEXT_READER, JSON_READER, BUFFER_READER };
static const enum name caller_names[] = { CERT, DATA, ID, POLICY };

static void know_names(void)
{
    for (int i = 0; i < NAMES; i++)
        atoms[i] = JS_NewAtom(context, names[i]);
}

/* The request's body, if it is short and is text; and another byte, which is zero. */
static char body_kept[BODY_KEPT + 1];
static int32_t body_length = -1;

/* Reads a body in one of three ways; `data` is the host's function for what is not
   kept here, and what reads JSON. */
static JSValue read_body(JSContext *ctx, JSValueConst this, int count,
                         JSValueConst *arguments, int reader, JSValue *data)
{
    JSValue text, value;

    if (count)
        return JS_ThrowTypeError(ctx, "Passed %d arguments, but expected none", count);
    if (reader == BUFFER_BODY && body_length >= 0)
        return JS_NewArrayBufferCopy(ctx, (uint8_t *)body_kept, body_length);
    if (body_length >= 0)
        text = new_text(ctx, body_kept, body_length);
    else
        text = JS_Call(ctx, data[0], JS_UNDEFINED, 0, NULL);
    if (reader != JSON_BODY || JS_IsException(text))
        return text;
    value = JS_Call(ctx, data[1], JS_UNDEFINED, 1, &text);
    JS_FreeValue(ctx, text);
    return value;
}

/* Of its kind, its name, the host's function, and what reads JSON. */
static JSValue make_body_reader(JSContext *ctx, JSValueConst this, int count,
                                JSValueConst *arguments)
{
    JSValue made = JS_NewCFunctionData(ctx, read_body, 0, number_of(ctx, arguments[0]),
                                       2, arguments + 2);
    return named(ctx, made, arguments[1]);
}

/* A request as the host describes it: numbers, lengths of texts, then texts. */
struct description {
    uint32_t headers, params, members, flags;
    int32_t body;
    uint32_t lengths[];
};

struct reading {
    const uint32_t *length;
    const char *text;
};

static uint32_t next_length(struct reading *at, const char **text)
{
    uint32_t length = *at->length++ & ~IS_JSON;

    *text = at->text;
    at->text += length;
    return length;
}

static JSValue next_text(JSContext *ctx, struct reading *at)
{
    const char *text;
    uint32_t length = next_length(at, &text);

    return new_text(ctx, text, length);
}

static JSValue next_value(JSContext *ctx, struct reading *at, JSValueConst parse)
{
    int is_json = !!(*at->length & IS_JSON);
    JSValue value, text = next_text(ctx, at);

    if (!is_json || JS_IsException(text))
        return text;
    value = JS_Call(ctx, parse, JS_UNDEFINED, 1, &text);
    JS_FreeValue(ctx, text);
    return value;
}

/* Add a property that the object has not; gives -1 with an exception if the value is
   none. */
static int add(JSContext *ctx, JSValueConst object, JSAtom name, JSValue value)
{
    JSProperty *property;

    if (JS_IsException(value))
        return -1;
    property = add_property(ctx, JS_VALUE_GET_OBJ(object), name, JS_PROP_C_W_E);
    if (!property) {
        JS_FreeValue(ctx, value);
        return -1;
    }
    property->u.value = value;
    return 0;
}

/* Objects of the same properties have one shape, which lives as long as its model. */

static JSValue request_model, body_model, caller_model;

static JSValue model_of(const enum name *first, int count)
{
    JSValue model = JS_NewObject(context);
    int failed = JS_IsException(model);

    for (int i = 0; i < count && !failed; i++)
        failed = add(context, model, atoms[first[i]], JS_UNDEFINED) < 0;
    return failed ? JS_EXCEPTION : model;
}

/* Gives -1 where there is no memory for them. */
static int know_models(void)
{
    request_model = model_of(request_names, countof(request_names));
    body_model = model_of(reader_names, countof(reader_names));
    caller_model = model_of(caller_names, countof(caller_names));
    return JS_IsException(request_model) || JS_IsException(body_model) ||
                   JS_IsException(caller_model)
               ? -1
               : 0;
}

static JSValue object_like(JSContext *ctx, JSValueConst model)
{
    JSShape *shape = JS_VALUE_GET_OBJ(model)->shape;
    JSValue made =
        JS_NewObjectFromShape(ctx, js_dup_shape(shape), JS_CLASS_OBJECT, NULL);

    for (int i = 0; i < shape->prop_count && !JS_IsException(made); i++)
        JS_VALUE_GET_OBJ(made)->prop[i].u.value = JS_UNDEFINED;
    return made;
}

/* Fill a property of an object like a model; gives -1 if the value is an exception. */
static int fill(JSValueConst object, int property, JSValue value)
{
    if (JS_IsException(value))
        return -1;
    JS_VALUE_GET_OBJ(object)->prop[property].u.value = value;
    return 0;
}

/* An object of so many names and values. */
static JSValue next_object(JSContext *ctx, struct reading *at, uint32_t members,
                           JSValueConst parse)
{
    JSValue object = JS_NewObjectProtoClassAlloc(
        ctx, ctx->class_proto[JS_CLASS_OBJECT], JS_CLASS_OBJECT, members);
    const char *text;
    uint32_t length;
    JSAtom name;
    int failed = JS_IsException(object);

    for (uint32_t i = 0; i < members && !failed; i++) {
        length = next_length(at, &text);
        name = JS_NewAtomLen(ctx, text, length);
        failed = name == JS_ATOM_NULL ||
                 add(ctx, object, name, next_value(ctx, at, parse)) < 0;
        JS_FreeAtom(ctx, name);
    }
    if (!failed)
        return object;
    JS_FreeValue(ctx, object);
    return JS_EXCEPTION;
}

static JSValue body_object(JSContext *ctx, JSValue *needs)
{
    JSValue body = object_like(ctx, body_model);

    for (int i = 0; i < BODY_READERS && !JS_IsException(body); i++)
        fill(body, i, JS_DupValue(ctx, needs[READERS + i]));
    return body;
}

/* A caller with the properties that most have. */
static JSValue usual_caller(JSContext *ctx, struct reading *at, JSValueConst parse)
{
    JSValue caller = object_like(ctx, caller_model);
    const char *name;
    int failed = JS_IsException(caller);

    for (int i = 0; i < countof(caller_names) && !failed; i++) {
        next_length(at, &name);
        failed = fill(caller, i, next_value(ctx, at, parse)) < 0;
    }
    if (!failed)
        return caller;
    JS_FreeValue(ctx, caller);
    return JS_EXCEPTION;
}

static JSValue caller_object(JSContext *ctx, struct reading *at,
                             const struct description *it, JSValue *needs)
{
    JSValue caller, done;

    if (it->members == NO_CALLER)
        return JS_NULL;
    if (it->flags & HAS_USUAL)
        return usual_caller(ctx, at, needs[PARSE]);
    caller = next_object(ctx, at, it->members, needs[PARSE]);
    if (it->flags & HAS_SIGNED && !JS_IsException(caller)) {
        done = JS_Call(ctx, needs[SIGN], JS_UNDEFINED, 1, &caller);
        if (JS_IsException(done)) {
            JS_FreeValue(ctx, caller);
            return JS_EXCEPTION;
        }
        JS_FreeValue(ctx, done);
    }
    return caller;
}

/* Make the request. Its parts lie in the order in which guests find them. */
static JSValue request_of(JSContext *ctx, const struct description *it, JSValue *needs)
{
    uint32_t members = it->members == NO_CALLER ? 0 : it->members;
    uint32_t texts = ROUTE - QUERY + 2 + 2 * (it->headers + it->params + members);
    struct reading at = { it->lengths, (const char *)(it->lengths + texts) };
    JSValue value, request = object_like(ctx, request_model);
    int failed = JS_IsException(request);

    for (int i = 0; i < countof(request_names) && !failed; i++) {
        switch (request_names[i]) {
        case HEADERS:
            value = next_object(ctx, &at, it->headers, JS_UNDEFINED);
            break;
        case HOSTNAME:
            value = next_text(ctx, &at);
            if (!(it->flags & HAS_HOST)) {
                JS_FreeValue(ctx, value);
                value = JS_NULL;
            }
            break;
        case PARAMS:
            value = next_object(ctx, &at, it->params, JS_UNDEFINED);
            break;
        case BODY:
            value = body_object(ctx, needs);
            break;
        case CALLER:
            value = caller_object(ctx, &at, it, needs);
            break;
        default:
            value = next_text(ctx, &at);
        }
        failed = fill(request, i, value) < 0;
    }
    if (failed) {
        JS_FreeValue(ctx, request);
        return JS_EXCEPTION;
    }
    body_length = it->body;
    if (body_length >= 0) {
        memcpy(body_kept, at.text, body_length);
        body_kept[body_length] = 0;
    }
    return request;
}
