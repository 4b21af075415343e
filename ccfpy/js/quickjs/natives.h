/* What the prelude and the engine call. Part of engine.c. */

/* What the guest calls */

static JSValue call_host(JSContext *ctx, JSValueConst this, int count,
                         JSValueConst *arguments)
{
    begin_row();
    for (int i = 0; i < count; i++)
        if (put_value(arguments[i]))
            return JS_EXCEPTION;
    host_call(told());
    row_read = 0;
    return take_value();
}

/* Run a script of the embedder's own: its text, and the name it has in traces. */
static JSValue evaluate(JSContext *ctx, JSValueConst this, int count,
                        JSValueConst *arguments)
{
    size_t length;
    JSValue result;
    const char *name, *text = JS_ToCStringLen(ctx, &length, arguments[0]);

    if (!text)
        return JS_EXCEPTION;
    name = JS_ToCString(ctx, arguments[1]);
    if (name)
        result = JS_Eval(ctx, text, length, name, JS_EVAL_TYPE_GLOBAL);
    else
        result = JS_EXCEPTION;
    JS_FreeCString(ctx, name);
    JS_FreeCString(ctx, text);
    return result;
}

/* Text to its UTF-8, and back as QuickJS reads what is none. */
static JSValue utf8_of(JSContext *ctx, JSValueConst this, int count,
                       JSValueConst *arguments)
{
    size_t length;
    const char *text = ascii_of(arguments[0], &length);
    JSValue bytes;

    if (text)
        return JS_NewArrayBufferCopy(ctx, (const uint8_t *)text, length);
    text = JS_ToCStringLen(ctx, &length, arguments[0]);
    if (!text)
        return JS_EXCEPTION;
    bytes = JS_NewArrayBufferCopy(ctx, (const uint8_t *)text, length);
    JS_FreeCString(ctx, text);
    return bytes;
}

static JSValue text_of(JSContext *ctx, JSValueConst this, int count,
                       JSValueConst *arguments)
{
    size_t length;
    const uint8_t *bytes = JS_GetArrayBuffer(ctx, &length, arguments[0]);

    return bytes ? new_text(ctx, (const char *)bytes, length) : JS_EXCEPTION;
}

/* Without the exception that asking its methods costs. */
static JSValue is_buffer(JSContext *ctx, JSValueConst this, int count,
                         JSValueConst *arguments)
{
    return JS_NewBool(ctx, JS_GetClassID(arguments[0]) == buffer_class);
}

#include "functions.h"
#include "maps.h"
#include "requests.h"
#include "answers.h"

static const struct {
    const char *name;
    JSCFunction *call;
    int length;
} natives[] = {
    { "host", call_host, 0 },
    { "evaluate", evaluate, 2 },
    { "utf8Of", utf8_of, 1 },
    { "textOf", text_of, 1 },
    { "isBuffer", is_buffer, 1 },
    { "hostFunction", make_host_function, 2 },
    { "converter", make_converter, 4 },
    { "mapMethod", make_map_method, 5 },
    { "mapsOf", make_maps, 1 },
    { "bodyReader", make_body_reader, 3 },
    { "server", make_server, SERVER_NEEDS },
};

#define NATIVES (int)(sizeof natives / sizeof natives[0])

static JSValue compiled(const char *text, size_t length, const char *name)
{
    return JS_Eval(context, text, length, name,
                   JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
}

static JSModuleDef *find_module(JSContext *ctx, const char *name, void *opaque)
{
    JSValue source, module;
    const char *text;
    size_t length;

    begin_row();
    put_sized(TEXT, name, strlen(name));
    host_source(told());
    row_read = 0;
    source = take_value();
    if (JS_IsException(source))
        return NULL;
    if (!JS_IsString(source)) {
        JS_ThrowReferenceError(ctx, "module '%s' not found", name);
        return NULL;
    }
    text = JS_ToCStringLen(ctx, &length, source);
    JS_FreeValue(ctx, source);
    if (!text)
        return NULL;
    module = compiled(text, length, name);
    JS_FreeCString(ctx, text);
    if (JS_IsException(module))
        return NULL;
    JS_FreeValue(ctx, module); /* the context keeps it, by its name */
    return JS_VALUE_GET_PTR(module);
}

static int is_interrupted(JSRuntime *rt, void *opaque)
{
    return host_interrupt();
}
