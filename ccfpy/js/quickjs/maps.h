/* Tables as guests see them: handles with methods, by name. Part of engine.c. */

#define BUFFERS 3 /* how many ArrayBuffers a method takes */
#define GIVES_THIS 4

static JSAtom map_name; /* the property that says whose handle it is */
static JSClassID maps_class;

/* Asks the host, if the arguments are right; else `data` looks what is wrong with them.
   `data` is the host's function, that, and the method's name. */
static JSValue map_method(JSContext *ctx, JSValueConst this, int count,
                          JSValueConst *arguments, int form, JSValue *data)
{
    int buffers = form & BUFFERS, is_right = count == buffers;
    JSValue given[5], result;

    for (int i = 0; i < buffers && is_right; i++)
        is_right = has_class(arguments[i], buffer_class);
    given[0] = JS_GetProperty(ctx, this, map_name);
    if (JS_IsException(given[0]))
        return JS_EXCEPTION;
    if (is_right) {
        memcpy(given + 1, arguments, buffers * sizeof *arguments);
        result = JS_Call(ctx, data[0], JS_UNDEFINED, 1 + buffers, given);
    } else {
        given[1] = data[2];
        given[2] = JS_NewInt32(ctx, buffers);
        given[3] = JS_NewInt32(ctx, count);
        given[4] = count ? arguments[0] : JS_UNDEFINED;
        result = JS_Call(ctx, data[1], JS_UNDEFINED, 5, given);
    }
    JS_FreeValue(ctx, given[0]);
    if (form & GIVES_THIS && !JS_IsException(result)) {
        JS_FreeValue(ctx, result);
        return JS_DupValue(ctx, this);
    }
    return result;
}

/* Of its form, the host's function, what looks for what is wrong, and its name. */
static JSValue make_map_method(JSContext *ctx, JSValueConst this, int count,
                               JSValueConst *arguments)
{
    JSValue made = JS_NewCFunctionData(ctx, map_method, 0, number_of(ctx, arguments[0]),
                                       3, arguments + 1);
    return named(ctx, made, arguments[3]);
}

/* The one object whose every property is a handle. It holds their prototype. */

static JSValue prototype_in(JSValueConst maps)
{
    return JS_MKPTR(JS_TAG_OBJECT, JS_GetOpaque(maps, maps_class));
}

static JSValue map_of(JSContext *ctx, JSValueConst maps, JSAtom property,
                      JSValueConst receiver)
{
    JSValue map, name = JS_AtomToValue(ctx, property);

    if (JS_IsSymbol(name)) {
        JS_FreeValue(ctx, name);
        return JS_UNDEFINED;
    }
    if (!JS_IsString(name)) /* an index */
        name = JS_AtomToString(ctx, property);
    if (JS_IsException(name))
        return JS_EXCEPTION;
    map = JS_NewObjectProto(ctx, prototype_in(maps));
    if (JS_IsException(map)) {
        JS_FreeValue(ctx, name);
        return JS_EXCEPTION;
    }
    if (JS_DefinePropertyValue(ctx, map, map_name, name, 0) < 0) {
        JS_FreeValue(ctx, map);
        return JS_EXCEPTION;
    }
    return map;
}

static int has_map(JSContext *ctx, JSValueConst maps, JSAtom property)
{
    JSValue name = JS_AtomToValue(ctx, property);
    int is_name = !JS_IsSymbol(name);

    if (JS_IsException(name))
        return -1;
    JS_FreeValue(ctx, name);
    return is_name;
}

static void mark_maps(JSRuntime *rt, JSValueConst maps, JS_MarkFunc *mark)
{
    if (JS_GetOpaque(maps, maps_class))
        JS_MarkValue(rt, prototype_in(maps), mark);
}

static void free_maps(JSRuntime *rt, JSValue maps)
{
    if (JS_GetOpaque(maps, maps_class))
        JS_FreeValueRT(rt, prototype_in(maps));
}

static JSClassExoticMethods maps_methods = {
    .get_property = map_of,
    .has_property = has_map,
};

static const JSClassDef maps_definition = {
    "Object", .finalizer = free_maps, .gc_mark = mark_maps, .exotic = &maps_methods,
};

/* Of the prototype of its handles. */
static JSValue make_maps(JSContext *ctx, JSValueConst this, int count,
                         JSValueConst *arguments)
{
    JSValue maps = JS_NewObjectProtoClass(ctx, JS_NULL, maps_class);

    if (JS_IsException(maps))
        return JS_EXCEPTION;
    JS_SetOpaque(maps, JS_VALUE_GET_PTR(JS_DupValue(ctx, arguments[0])));
    if (JS_PreventExtensions(ctx, maps) < 0) {
        JS_FreeValue(ctx, maps);
        return JS_EXCEPTION;
    }
    return maps;
}

/* Gives -1 where there is no memory for it. */
static int know_maps(void)
{
    map_name = JS_NewAtom(context, "_map_name");
    JS_NewClassID(&maps_class);
    return JS_NewClass(runtime, maps_class, &maps_definition);
}
