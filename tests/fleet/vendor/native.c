/* Copyright (c) 2026, oxzep7.python contributors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *fletcher(PyObject *self, PyObject *args)
{
    const unsigned char *data;
    Py_ssize_t size, i;
    unsigned int low = 0, high = 0;

    if (!PyArg_ParseTuple(args, "y#", &data, &size))
        return NULL;
    for (i = 0; i < size; i++) {
        low = (low + data[i]) % 255;
        high = (high + low) % 255;
    }
    return PyLong_FromUnsignedLong((high << 8) | low);
}

static PyMethodDef methods[] = {{"fletcher", fletcher, METH_VARARGS, "Fletcher-16 of bytes."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModule_Create(&definition);
}
