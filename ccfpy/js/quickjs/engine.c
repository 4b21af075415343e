/* QuickJS as a WebAssembly module with one embedder, ccfpy's machine.py.

   Everything crosses through one buffer in this module's memory, as a row of values: a
   tag byte each, then for text and bytes a length and so many bytes, for numbers eight
   bytes. Objects never cross; the embedder only learns that one was there.

   The embedder writes a row and calls an export; the guest writes a row and calls an
   import. An export that runs JavaScript leaves a row, and answers where it is, how long
   it is, whether memory ran out on the way, and how the call ended. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "quickjs.h"

#define IMPORT(name) \
    __attribute__((import_module("host"), import_name(#name))) extern
#define EXPORT(name) __attribute__((export_name(#name)))

/* Arguments lie in the buffer, whose place and used length are told in one; the one
   result is in the buffer afterwards. */
IMPORT(call) void host_call(uint64_t row);
/* A module's name lies in the buffer; its source is there afterwards, or undefined. */
IMPORT(source) void host_source(uint64_t row);
/* Nonzero stops the script. */
IMPORT(interrupt) int32_t host_interrupt(void);

enum tag { UNDEFINED, NOTHING, NO, YES, INTEGER, NUMBER, TEXT, BYTES, OBJECT };
enum ending { DONE, THROWN, PENDING, NO_MEMORY };

#define LEAST_BUFFER 65536
#define SPARE_HEAP 1048576
#define ROW_MAX (1 << 28)

static JSRuntime *runtime;
static JSContext *context;
static JSValue face = JS_UNDEFINED;
static JSClassID buffer_class;

/* The buffer. The script's heap limit does not count it. */

static uint8_t *row;
static uint32_t row_size, row_used, row_read;
static int row_is_short;

/* Make room for so many bytes; gives the place, or 0. What lay there may be gone. */
EXPORT(reserve) uint8_t *reserve(uint32_t size)
{
    uint8_t *bytes;

    if (size < LEAST_BUFFER)
        size = LEAST_BUFFER;
    if (size > row_size) {
        bytes = realloc(row, size);
        if (!bytes)
            return NULL;
        row = bytes;
        row_size = size;
    }
    return row;
}

static void put(const void *bytes, size_t length)
{
    uint64_t need = (uint64_t)row_used + length;

    if (need > row_size && (need > ROW_MAX || !reserve(need + need / 2)))
        row_is_short = 1;
    if (row_is_short)
        return;
    memcpy(row + row_used, bytes, length);
    row_used += length;
}

static void put_tag(enum tag tag)
{
    uint8_t byte = tag;
    put(&byte, 1);
}

static void put_sized(enum tag tag, const void *bytes, size_t length)
{
    uint32_t size = length;
    put_tag(tag);
    put(&size, 4);
    put(bytes, length);
}

static void begin_row(void)
{
    row_used = 0;
    row_is_short = 0;
}

static uint64_t told(void)
{
    return (uint64_t)(uintptr_t)row << 32 | row_used;
}

static void drop_exception(void)
{
    JS_FreeValue(context, JS_GetException(context));
}

static void put_object(JSValueConst value)
{
    size_t size, offset, length, unit;
    uint8_t *bytes = NULL;
    JSValue below;

    if (JS_GetClassID(value) == buffer_class) {
        bytes = JS_GetArrayBuffer(context, &size, value);
        if (bytes)
            put_sized(BYTES, bytes, size);
    } else {
        below = JS_GetTypedArrayBuffer(context, value, &offset, &length, &unit);
        if (!JS_IsException(below)) {
            bytes = JS_GetArrayBuffer(context, &size, below);
            if (bytes && offset + length <= size)
                put_sized(BYTES, bytes + offset, length);
            else
                bytes = NULL;
            JS_FreeValue(context, below);
        }
    }
    if (!bytes) {
        drop_exception();
        put_tag(OBJECT);
    }
}

/* Gives -1 with an exception pending if there was no memory for it. */
static int put_value(JSValueConst value)
{
    size_t length;
    double number;
    int64_t integer;
    const char *text;

    if (JS_IsString(value)) {
        text = JS_ToCStringLen(context, &length, value);
        if (!text)
            return -1;
        put_sized(TEXT, text, length);
        JS_FreeCString(context, text);
    } else if (JS_VALUE_GET_TAG(value) == JS_TAG_INT) {
        integer = JS_VALUE_GET_INT(value);
        put_tag(INTEGER);
        put(&integer, 8);
    } else if (JS_IsNumber(value)) {
        JS_ToFloat64(context, &number, value);
        put_tag(NUMBER);
        put(&number, 8);
    } else if (JS_IsBool(value)) {
        put_tag(JS_VALUE_GET_BOOL(value) ? YES : NO);
    } else if (JS_IsUndefined(value)) {
        put_tag(UNDEFINED);
    } else if (JS_IsNull(value)) {
        put_tag(NOTHING);
    } else if (JS_IsObject(value)) {
        put_object(value);
    } else {
        put_tag(OBJECT);
    }
    if (row_is_short) {
        JS_ThrowOutOfMemory(context);
        return -1;
    }
    return 0;
}

static void *taken(size_t length)
{
    void *place = row + row_read;
    row_read += length;
    return place;
}

/* The embedder writes only whole values, so lengths are as they say. */
static JSValue take_value(void)
{
    enum tag tag = *(uint8_t *)taken(1);
    int64_t integer;
    double number;
    uint32_t size;

    switch (tag) {
    case NOTHING:
        return JS_NULL;
    case NO:
        return JS_FALSE;
    case YES:
        return JS_TRUE;
    case INTEGER:
        memcpy(&integer, taken(8), 8);
        return JS_NewInt64(context, integer);
    case NUMBER:
        memcpy(&number, taken(8), 8);
        return JS_NewFloat64(context, number);
    case TEXT:
        memcpy(&size, taken(4), 4);
        return JS_NewStringLen(context, taken(size), size);
    case BYTES:
        memcpy(&size, taken(4), 4);
        return JS_NewArrayBufferCopy(context, taken(size), size);
    default:
        return JS_UNDEFINED;
    }
}

/* The script's heap, counted by what it asked for: the C library's own word of how
   large a block is changes while it is in use. */

#define BEFORE 8

static uint32_t heap_refused; /* since the last export was called */

static size_t size_of(const void *block)
{
    return block ? *(const size_t *)((const uint8_t *)block - BEFORE) : 0;
}

static void *heap_realloc(JSMallocState *heap, void *block, size_t size)
{
    size_t before = block ? size_of(block) + BEFORE : 0, after = size + BEFORE;
    uint8_t *start = block ? (uint8_t *)block - BEFORE : NULL;

    if (size > INT32_MAX || heap->malloc_size - before + after > heap->malloc_limit)
        start = NULL;
    else
        start = realloc(start, after);
    if (!start) {
        heap_refused = 1;
        return NULL;
    }
    *(size_t *)start = size;
    heap->malloc_size += after - before;
    heap->malloc_count += !block;
    return start + BEFORE;
}

static void heap_free(JSMallocState *heap, void *block)
{
    if (!block)
        return;
    heap->malloc_size -= size_of(block) + BEFORE;
    heap->malloc_count--;
    free((uint8_t *)block - BEFORE);
}

static void *heap_resize(JSMallocState *heap, void *block, size_t size)
{
    if (size || !block)
        return heap_realloc(heap, block, size);
    heap_free(heap, block);
    return NULL;
}

static void *heap_malloc(JSMallocState *heap, size_t size)
{
    return heap_realloc(heap, NULL, size);
}

static const JSMallocFunctions heap = {
    heap_malloc, heap_free, heap_resize, size_of,
};

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
    const char *text = JS_ToCStringLen(ctx, &length, arguments[0]);
    JSValue bytes;

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

    return bytes ? JS_NewStringLen(ctx, (const char *)bytes, length) : JS_EXCEPTION;
}

/* Without the exception that asking its methods costs. */
static JSValue is_buffer(JSContext *ctx, JSValueConst this, int count,
                         JSValueConst *arguments)
{
    return JS_NewBool(ctx, JS_GetClassID(arguments[0]) == buffer_class);
}

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

/* What the embedder calls */

static uint64_t answer(enum ending ending)
{
    return (uint64_t)(uintptr_t)row << 32 | row_used << 3 | heap_refused << 2 | ending;
}

/* Leave what was thrown, as it says itself, and its stack. */
static uint64_t leave_exception(void)
{
    JSValue thrown = JS_GetException(context);
    JSValue stack = JS_UNDEFINED;

    begin_row();
    JSValue text = JS_ToString(context, thrown);
    if (JS_IsException(text) || put_value(text)) {
        drop_exception();
        begin_row();
        put_tag(UNDEFINED);
    }
    JS_FreeValue(context, text);
    if (JS_IsError(context, thrown))
        stack = JS_GetPropertyStr(context, thrown, "stack");
    if (JS_IsException(stack) || put_value(stack)) {
        drop_exception();
        put_tag(UNDEFINED);
    }
    JS_FreeValue(context, stack);
    JS_FreeValue(context, thrown);
    return answer(THROWN);
}

static uint64_t leave(JSValue value)
{
    int is_lost;

    if (JS_IsException(value))
        return leave_exception();
    begin_row();
    is_lost = put_value(value);
    JS_FreeValue(context, value);
    return is_lost ? leave_exception() : answer(DONE);
}

/* Run what promises wait for until this one, if it is one, has a result. */
static uint64_t leave_settled(JSValue value)
{
    JSContext *other;
    JSValue result;
    JSPromiseStateEnum state = JS_PromiseState(context, value);
    int ran = 1;

    while (state == JS_PROMISE_PENDING && ran > 0) {
        ran = JS_ExecutePendingJob(runtime, &other);
        state = JS_PromiseState(context, value);
    }
    if ((int)state < 0)
        return leave(value); /* no promise */
    if (state == JS_PROMISE_PENDING) {
        JS_FreeValue(context, value);
        begin_row();
        return JS_HasException(context) ? leave_exception() : answer(PENDING);
    }
    result = JS_PromiseResult(context, value);
    JS_FreeValue(context, value);
    if (state == JS_PROMISE_REJECTED) {
        JS_Throw(context, result);
        return leave_exception();
    }
    return leave(result);
}

/* A row of a script's text and name lies in the buffer. The script is a function,
   called with the natives; what it returns is the face that `invoke` calls. */
EXPORT(start) uint64_t start(void)
{
    JSValue arguments[2], main, functions[NATIVES];

    runtime = JS_NewRuntime2(&heap, NULL);
    context = runtime ? JS_NewContext(runtime) : NULL;
    if (!context)
        return answer(NO_MEMORY);
    JS_SetModuleLoaderFunc(runtime, NULL, find_module, NULL);
    JS_SetInterruptHandler(runtime, is_interrupted, NULL);
    main = JS_NewArrayBufferCopy(context, NULL, 0);
    buffer_class = JS_GetClassID(main);
    JS_FreeValue(context, main);
    row_read = 0;
    for (int i = 0; i < 2; i++)
        arguments[i] = take_value();
    main = evaluate(context, JS_UNDEFINED, 2, arguments);
    if (JS_IsException(main))
        return leave_exception();
    for (int i = 0; i < NATIVES; i++)
        functions[i] = JS_NewCFunction(context, natives[i].call, natives[i].name,
                                       natives[i].length);
    face = JS_Call(context, main, JS_UNDEFINED, NATIVES, functions);
    return leave(JS_IsException(face) ? JS_EXCEPTION : JS_UNDEFINED);
}

EXPORT(restrict) void restrict_to(uint32_t heap_bytes, uint32_t stack_bytes)
{
    JS_SetMemoryLimit(runtime, heap_bytes);
    JS_SetMaxStackSize(runtime, stack_bytes);
}

/* Make the memory fit to be copied: a small buffer, and some heap to spare, so that most
   calls need no more memory than there is. Gives the places of both; what lies in either
   means nothing, but for the allocator's own words at the ends of what is spare. */
EXPORT(settle) uint64_t settle(void)
{
    void *volatile spare; /* or the compiler leaves it out */

    JS_RunGC(runtime);
    free(row);
    row = NULL;
    row_size = 0;
    spare = malloc(SPARE_HEAP);
    reserve(LEAST_BUFFER);
    free(spare);
    return (uint64_t)(uintptr_t)spare << 32 | (uintptr_t)row;
}

/* A row of a method's name and `count` arguments lies in the buffer. */
EXPORT(invoke) uint64_t invoke(uint32_t count)
{
    JSValue arguments[16], method, result;
    uint32_t size;
    JSAtom name;

    if (count > 16)
        return answer(NO_MEMORY);
    heap_refused = 0;
    row_read = 1;
    memcpy(&size, taken(4), 4);
    name = JS_NewAtomLen(context, taken(size), size);
    for (uint32_t i = 0; i < count; i++)
        arguments[i] = take_value();
    method = JS_GetProperty(context, face, name);
    JS_FreeAtom(context, name);
    result = JS_Call(context, method, face, count, arguments);
    JS_FreeValue(context, method);
    for (uint32_t i = 0; i < count; i++)
        JS_FreeValue(context, arguments[i]);
    if (JS_IsException(result))
        return leave_exception();
    return leave_settled(result);
}

/* A row of a module's name and source lies in the buffer. It is known afterwards, with
   what it imports, but has not run. Where asked for, its bytecode is left. */
EXPORT(compile) uint64_t compile(int32_t wants_bytecode)
{
    size_t name_length, length, size;
    JSValue name, source, module;
    const char *name_text, *text;
    uint8_t *bytes;

    heap_refused = 0;
    row_read = 0;
    name = take_value();
    source = take_value();
    name_text = JS_ToCStringLen(context, &name_length, name);
    text = JS_ToCStringLen(context, &length, source);
    module = name_text && text ? compiled(text, length, name_text) : JS_EXCEPTION;
    JS_FreeCString(context, name_text);
    JS_FreeCString(context, text);
    JS_FreeValue(context, name);
    JS_FreeValue(context, source);
    if (JS_IsException(module))
        return leave_exception();
    begin_row();
    if (wants_bytecode) {
        bytes = JS_WriteObject(context, &size, module, JS_WRITE_OBJ_BYTECODE);
        JS_FreeValue(context, module);
        if (!bytes)
            return leave_exception();
        put_sized(BYTES, bytes, size);
        js_free(context, bytes);
        return answer(row_is_short ? NO_MEMORY : DONE);
    }
    JS_FreeValue(context, module);
    return answer(DONE);
}

/* There are no threads: `Atomics.wait` throws, as no context here may block, and
   `Atomics.notify` finds nobody waiting. */

#include <pthread.h>

int pthread_mutex_lock(pthread_mutex_t *mutex) { return 0; }
int pthread_mutex_unlock(pthread_mutex_t *mutex) { return 0; }
int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *a) { return 0; }
int pthread_cond_destroy(pthread_cond_t *c) { return 0; }
int pthread_cond_signal(pthread_cond_t *c) { return 0; }
int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m) { return 0; }
int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                           const struct timespec *t) { return 0; }
