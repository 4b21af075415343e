/* Rows of values, and the buffer they lie in. Part of engine.c. */

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
            /* What is said of an array that grows with its buffer is its first length. */
            length = JS_VALUE_GET_OBJ(value)->u.array.count * unit;
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

    if ((text = ascii_of(value, &length))) {
        put_sized(TEXT, text, length);
    } else if (JS_IsString(value)) {
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
        return new_text(context, taken(size), size);
    case BYTES:
        memcpy(&size, taken(4), 4);
        return JS_NewArrayBufferCopy(context, taken(size), size);
    default:
        return JS_UNDEFINED;
    }
}
