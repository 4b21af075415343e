/* QuickJS as a WebAssembly module with one embedder, ccfpy's wasm_instance.py.

   Everything crosses through one buffer in this module's memory, as a row of values: a
   tag byte each, then for text and bytes a length and so many bytes, for numbers eight
   bytes. Objects never cross; the embedder only learns that one was there.

   The embedder writes a row and calls an export; the guest writes a row and calls an
   import. An export that runs JavaScript leaves a row, and answers where it is, how long
   it is, whether memory ran out on the way, and how the call ended. */

/* One unit with the engine: what it has for itself makes requests and their texts too. */
#include "quickjs.c"
#undef malloc
#undef realloc
#undef free

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
static int has_left_row; /* a call's answer lies in the buffer, whatever it gives */
static JSClassID buffer_class;

#include "copying.h"
#include "texts.h"
#include "rows.h"
#include "heap.h"
#include "natives.h"

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
    if (has_left_row) {
        JS_FreeValue(context, value);
        return answer(DONE);
    }
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
    JS_SetSharedArrayBufferFunctions(runtime, &shared_heap);
    main = JS_NewArrayBufferCopy(context, NULL, 0);
    buffer_class = JS_GetClassID(main);
    JS_FreeValue(context, main);
    if (know_maps() < 0)
        return answer(NO_MEMORY);
    know_names();
    if (know_models() < 0)
        return answer(NO_MEMORY);
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
    int failed = 0;
    uint32_t size;
    JSAtom name;

    if (count > 16)
        return answer(NO_MEMORY);
    heap_refused = has_left_row = 0;
    row_read = 1;
    memcpy(&size, taken(4), 4);
    name = JS_NewAtomLen(context, taken(size), size);
    for (uint32_t i = 0; i < count; i++) {
        arguments[i] = failed ? JS_UNDEFINED : take_value();
        failed = failed || JS_IsException(arguments[i]);
    }
    method = JS_GetProperty(context, face, name);
    JS_FreeAtom(context, name);
    result = failed ? JS_EXCEPTION
                    : JS_Call(context, method, face, count, arguments);
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
