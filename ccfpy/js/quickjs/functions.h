/* Functions that guests get in place of some in JavaScript, to be quicker. Part of
   engine.c. None of them has a frame of its own in a stack trace. */

static int has_class(JSValueConst value, JSClassID id)
{
    return JS_IsObject(value) && JS_GetClassID(value) == id;
}

static int number_of(JSContext *ctx, JSValueConst value)
{
    int32_t number = 0;

    JS_ToInt32(ctx, &number, value); /* the prelude gives numbers only */
    return number;
}

/* Give a function, that is never an exception, a name. */
static JSValue named(JSContext *ctx, JSValue function, JSValueConst name)
{
    if (!JS_IsException(function) &&
        JS_DefinePropertyValueStr(ctx, function, "name", JS_DupValue(ctx, name),
                                  JS_PROP_CONFIGURABLE) < 0) {
        JS_FreeValue(ctx, function);
        return JS_EXCEPTION;
    }
    return function;
}

/* Asks the host. Null says that it would have thrown; `data` then does. */
static JSValue host_function(JSContext *ctx, JSValueConst this, int count,
                             JSValueConst *arguments, int number, JSValue *data)
{
    int64_t integer = number;
    JSValue result;

    begin_row();
    put_tag(INTEGER);
    put(&integer, 8);
    for (int i = 0; i < count; i++)
        if (put_value(arguments[i]))
            return JS_EXCEPTION;
    host_call(told());
    row_read = 0;
    result = take_value();
    if (JS_IsNull(result))
        return JS_Call(ctx, data[0], JS_UNDEFINED, 0, NULL);
    return result;
}

/* Of the host's function's number, and what throws. */
static JSValue make_host_function(JSContext *ctx, JSValueConst this, int count,
                                  JSValueConst *arguments)
{
    return JS_NewCFunctionData(ctx, host_function, 0, number_of(ctx, arguments[0]), 1,
                               arguments + 1);
}

enum conversion { TEXT_TO_BYTES, BYTES_TO_TEXT, JSON_TO_BYTES, BYTES_TO_JSON };

static JSValue bytes_of_text(JSContext *ctx, JSValueConst value)
{
    if (!JS_IsString(value))
        return JS_ThrowTypeError(ctx, "Argument must be a string");
    return utf8_of(ctx, JS_UNDEFINED, 1, &value);
}

static JSValue text_of_bytes(JSContext *ctx, JSValueConst value)
{
    if (!has_class(value, buffer_class))
        return JS_ThrowTypeError(ctx, "Argument must be an ArrayBuffer");
    return text_of(ctx, JS_UNDEFINED, 1, &value);
}

/* One of `ccf`'s converters; `data` is what writes and what reads JSON. */
static JSValue convert(JSContext *ctx, JSValueConst this, int count,
                       JSValueConst *arguments, int conversion, JSValue *data)
{
    JSValue text, result;

    if (count != 1)
        return JS_ThrowTypeError(ctx, "Passed %d arguments, but expected 1", count);
    switch (conversion) {
    case TEXT_TO_BYTES:
        return bytes_of_text(ctx, arguments[0]);
    case BYTES_TO_TEXT:
        return text_of_bytes(ctx, arguments[0]);
    case JSON_TO_BYTES:
        text = JS_Call(ctx, data[0], JS_UNDEFINED, 1, arguments);
        result = JS_IsException(text) ? text : bytes_of_text(ctx, text);
        break;
    default:
        text = text_of_bytes(ctx, arguments[0]);
        result = JS_IsException(text) ? text
                                      : JS_Call(ctx, data[1], JS_UNDEFINED, 1, &text);
    }
    JS_FreeValue(ctx, text);
    return result;
}

/* Of its kind, its name, and what writes and what reads JSON. */
static JSValue make_converter(JSContext *ctx, JSValueConst this, int count,
                              JSValueConst *arguments)
{
    JSValue made = JS_NewCFunctionData(ctx, convert, 0, number_of(ctx, arguments[0]), 2,
                                       arguments + 2);
    return named(ctx, made, arguments[1]);
}
